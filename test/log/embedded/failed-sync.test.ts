import { expect, it } from 'vitest'
import { openEmbeddedLog, type EmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { SectorDisk } from '../../chaos/log/sector-disk.ts'
import { seededRandom } from '../../chaos/random.ts'

const record = (text: string) => ({ key: null, header: Buffer.from('h'), value: Buffer.from(text) })

function open(files: SectorDisk, segmentBytes = 100_000): Promise<EmbeddedLog> {
  return openEmbeddedLog({
    directory: '/log',
    stream: 's',
    partitionCount: 1,
    segmentBytes,
    reserveBytes: 0,
    retentionMs: null,
    files,
  })
}

async function values(log: EmbeddedLog): Promise<string[]> {
  return (await log.browse(0, 0, 100)).map(({ value }) => String(value))
}

/** What is found after each of many losses of power. */
async function afterPowerLosses(disk: SectorDisk): Promise<string[]> {
  const found = new Set<string>()
  for (let seed = 0; seed < 60; seed++) {
    const log = await open(disk.afterPowerLoss(seededRandom(seed), { hasSyncWrites: false }))
    found.add((await values(log)).join(' '))
    await log.close()
  }
  return [...found]
}

it('makes durable what a process wrote whose sync failed, before anyone is given it', async () => {
  let isBroken = false
  const disk = new SectorDisk({
    hasSyncWrites: false,
    failureOf: change => (isBroken && change === 'sync' ? 'EIO' : undefined),
  })
  const first = await open(disk)
  for (const text of ['one', 'two', 'three']) await first.append(0, [record(text)])
  isBroken = true
  await expect(first.append(0, [record('unsure')])).rejects.toMatchObject({ code: 'SLUICE_LOG_WRITE_FAILED' })
  isBroken = false
  const second = await open(disk)
  expect(await values(second)).toEqual(['one', 'two', 'three', 'unsure'])
  expect(await afterPowerLosses(disk)).toEqual(['one two three unsure'])
})

it('makes durable the name of a segment whose process died before its directory was synced', async () => {
  let isDying = false
  const stuck = Promise.withResolvers<void>()
  const disk = new SectorDisk({
    hasSyncWrites: false,
    isConcurrent: true,
    onChange: change => {
      if (!isDying || change !== 'syncDirectory') return Promise.resolve()
      stuck.resolve()
      return new Promise(() => undefined)
    },
  })
  const first = await open(disk, 300)
  isDying = true
  const appending = (async () => {
    for (let count = 1; count < 10; count++) await first.append(0, [record(`event ${count} ${'x'.repeat(60)}`)])
  })()
  await Promise.race([stuck.promise, appending])
  isDying = false
  const second = await open(disk)
  await second.append(0, [record('acknowledged')])
  const known = (await values(second)).join(' ')
  expect(known).toContain('acknowledged')
  expect(await afterPowerLosses(disk)).toEqual([known])
})
