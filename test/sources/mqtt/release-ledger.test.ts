import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openReleaseLedger, type ReleaseLedger } from '../../../src/sources/mqtt/release-ledger.ts'

let directory: string
let path: string
const open: ReleaseLedger[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-ledger-'))
  path = join(directory, 'deep', 'releases.jsonl')
})
afterEach(async () => {
  for (const ledger of open.splice(0)) await ledger.close()
  await rm(directory, { recursive: true, force: true })
})

async function ledgerAt(where: string | undefined): Promise<ReleaseLedger> {
  const ledger = await openReleaseLedger(where)
  open.push(ledger)
  return ledger
}

describe('the release ledger', () => {
  it('tells the uses of a packet identifier apart, and remembers them when it is opened again', async () => {
    const first = await ledgerAt(path)
    const unused = first.generation('d', 1)
    await first.release('d', 1)
    const once = first.generation('d', 1)
    expect(once).not.toBe(unused)
    expect(first.generation('d', 2)).toBe(unused)
    expect(first.generation('e', 1)).toBe(unused)
    await first.close()
    expect((await ledgerAt(path)).generation('d', 1)).toBe(once)
  })

  it('has a release on disk when it resolves', async () => {
    const ledger = await ledgerAt(path)
    await Promise.all([1, 2, 3].map(id => ledger.release('d', id)))
    expect((await readFile(path, 'utf8')).trim().split('\n')).toHaveLength(3)
  })

  it('forgets everything of a client that begins a clean session, for good', async () => {
    const first = await ledgerAt(path)
    const unused = first.generation('d', 1)
    await first.release('d', 1)
    await first.reset('d')
    const fresh = first.generation('d', 1)
    expect(fresh).not.toBe(unused)
    await first.close()
    expect((await ledgerAt(path)).generation('d', 1)).toBe(fresh)
  })

  it('steps over the torn last line of a crash', async () => {
    const first = await ledgerAt(path)
    await first.release('d', 1)
    const once = first.generation('d', 1)
    await first.close()
    await appendFile(path, '{"c":"d","s":0,"t":99999')
    const second = await ledgerAt(path)
    expect(second.generation('d', 1)).toBe(once)
    await second.release('d', 1)
    expect(second.generation('d', 1)).not.toBe(once)
  })

  it('works in memory without a path', async () => {
    const ledger = await ledgerAt(undefined)
    const unused = ledger.generation('d', 1)
    await ledger.release('d', 1)
    expect(ledger.generation('d', 1)).not.toBe(unused)
  })
})
