import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { FinishedLog, logDirectory } from './finished-log.ts'
import { inspectRecovered, type KnownState } from './recovered-log.ts'
import type { SectorDisk } from './sector-disk.ts'

let log: FinishedLog

beforeAll(async () => {
  log = await FinishedLog.write(7, 1_000_000, 30)
})

/** The log with its last segment changed, compared with what its writer knows. */
async function problemsOf(change: (contents: Buffer) => Buffer, known: KnownState = log.known): Promise<string[]> {
  const contents = change(Buffer.from(log.files.get(log.lastFile)!))
  const { problems } = await inspectRecovered(log.optionsWith(new Map([[log.lastFile, contents]])), log.written, known)
  return problems.map(problem => problem.replace(/p\d-\d+|\d+/g, '…')).filter((one, at, all) => all.indexOf(one) === at)
}

const lastPlace = () => log.places.toSorted((a, b) => a.end - b.end).at(-1)!

describe('the comparison of a recovered log with what its writer knows', () => {
  it('finds nothing wrong with the log as it was written', async () => {
    expect(log.known.offsets.size).toBeGreaterThan(30)
    expect(await problemsOf(contents => contents)).toEqual([])
  })

  it('finds an acknowledged record that is gone', async () => {
    const { from } = lastPlace()
    expect(await problemsOf(contents => contents.subarray(0, from))).toContain(
      'lost: … was acknowledged and neither ran nor became a dead letter',
    )
  })

  it('finds a record that was refused, one that nobody wrote and one at another offset', async () => {
    const { written } = lastPlace()
    const { id } = written
    const event = log.known.sent.get(id)!
    const refused = new Map(log.known.sent).set(id, { ...event, outcome: 'refused' })
    expect(await problemsOf(contents => contents, { ...log.known, sent: refused })).toEqual([
      '… was refused and is served',
    ])
    const unsent = new Map(log.known.sent)
    unsent.delete(id)
    expect(await problemsOf(contents => contents, { ...log.known, sent: unsent })).toEqual([
      'phantom: … ran and was never sent',
    ])
    const elsewhere = new Map(log.known.offsets).set(id, 1_000)
    expect(await problemsOf(contents => contents, { ...log.known, offsets: elsewhere })).toEqual([
      '… was told offset … and lies at …',
    ])
  })

  it('finds a commit that was acknowledged and is gone, and one that nobody asked for', async () => {
    const [place, { acknowledged, asked }] = [...log.known.committed].find(([, one]) => one.acknowledged > 0)!
    const ahead = new Map(log.known.committed).set(place, { acknowledged: asked + 1, asked: asked + 1 })
    const behind = new Map(log.known.committed).set(place, { acknowledged: 0, asked: acknowledged - 1 })
    for (const committed of [ahead, behind])
      expect(await problemsOf(contents => contents, { ...log.known, committed })).toEqual([
        expect.stringMatching(/^\w+ stands at … of partition …, told …, asked …$/),
      ])
  })
})

it('knows where each record lies without asking the log', () => {
  const { written, file, from } = lastPlace()
  const disk = log.optionsWith(new Map()).files as SectorDisk
  const contents = disk.contentsOf(join(logDirectory, file))
  const { value } = written.record
  expect(contents.subarray(from, from + value.length).equals(value)).toBe(true)
  expect([...log.hit(file, from, from + 1)]).toEqual([written.id])
})
