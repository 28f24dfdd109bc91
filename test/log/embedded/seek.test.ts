import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, describe } from 'vitest'
import { openEmbeddedLog, type EmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'

const dir = mkdtempSync(join(tmpdir(), 'sluice-seek-'))
const logs: EmbeddedLog[] = []
afterEach(async () => {
  for (const log of logs.splice(0)) await log.close()
  rmSync(dir, { recursive: true, force: true })
})

async function open(): Promise<EmbeddedLog> {
  const log = await openEmbeddedLog({ directory: join(dir, 's'), stream: 's', partitionCount: 2 })
  logs.push(log)
  return log
}

const quiet = {
  assigned: () => undefined,
  revoked: () => undefined,
  records: () => undefined,
  anomaly: () => undefined,
  fatal: () => undefined,
}

describe('a group that is moved', () => {
  it('stands there durably, back as well as forward, and only while nobody reads for it', async () => {
    const log = await open()
    const record = { key: null, header: Buffer.from('h'), value: Buffer.from('v') }
    await log.append(0, [record, record, record])
    const subscription = await log.subscribe('g', 'latest', quiet)
    await expect(log.seek('g', new Map([[0, 1]]))).rejects.toMatchObject({ code: 'SLUICE_LOG_UNAVAILABLE' })
    await subscription.close()
    await log.seek('g', new Map([[0, 1]]))
    expect(await log.committed('g')).toEqual(
      new Map([
        [0, 1],
        [1, 0],
      ]),
    )
    await log.close()
    const again = await open()
    expect((await again.committed('g')).get(0)).toBe(1)
    expect(await again.positionsAt('latest')).toEqual([3, 0])
    expect(await again.positionsAt({ offset: 9 })).toEqual([3, 0])
  })
})
