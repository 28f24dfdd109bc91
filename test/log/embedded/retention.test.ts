import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CommittedOffsets } from '../../../src/log/embedded/committed-offsets.ts'
import type { EmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { countExpiredSegments } from '../../../src/log/embedded/retention.ts'
import type { Segment } from '../../../src/log/embedded/segment.ts'
import { RecordCollector, recordOf } from '../../conformance/record-collector.ts'
import { LogDirectory } from './log-directory.ts'

const segmentOf = (index: number, offsets: readonly number[], createdMs: number): Segment => ({
  name: `s${index}`,
  marker: 1,
  sequence: index,
  start: index * 100,
  bytes: 100,
  offsets,
  createdMs,
})

describe('the retention decision', () => {
  const steps = fc.array(fc.array(fc.nat(3), { minLength: 2, maxLength: 2 }), { minLength: 1, maxLength: 8 })
  const limit = fc.option(fc.nat(900), { nil: undefined })

  it('never lets go what a group has not completed, nor the last segment', () => {
    fc.assert(
      fc.property(
        steps,
        fc.array(fc.array(fc.nat(12), { minLength: 2, maxLength: 2 }), { maxLength: 3 }),
        limit,
        limit,
        limit,
        (added, positions, retentionMs, retentionBytes, maxBytes) => {
          const ends = [0, 0]
          const segments = added.map((add, index) => {
            const segment = segmentOf(index, [...ends], index * 100)
            add.forEach((count, partition) => (ends[partition]! += count))
            return segment
          })
          const committed = new CommittedOffsets()
          const groups = positions.map((offsets, index) => {
            committed.apply({ group: `g${index}`, offsets: offsets.map((offset, partition) => [partition, offset]) })
            return `g${index}`
          })
          const policy = { retentionMs, retentionBytes, maxBytes }
          const count = countExpiredSegments(segments, groups, committed, policy, 1_000)
          expect(count).toBeLessThan(segments.length)
          const low = segments[count]!.offsets
          for (const offsets of positions)
            for (const partition of [0, 1])
              expect(low[partition]! > 0 ? offsets[partition] : 0).toBeGreaterThanOrEqual(low[partition]!)
          if (retentionMs === undefined && retentionBytes === undefined && maxBytes === undefined) expect(count).toBe(0)
        },
      ),
    )
  })

  it('goes by age and by size when there is no group', () => {
    const segments = [0, 1, 2, 3].map(index => segmentOf(index, [index], index * 100))
    const none = new CommittedOffsets()
    const policy = { retentionMs: undefined, retentionBytes: undefined, maxBytes: undefined }
    expect(countExpiredSegments(segments, [], none, { ...policy, retentionMs: 200 }, 400)).toBe(2)
    expect(countExpiredSegments(segments, [], none, { ...policy, retentionBytes: 250 }, 400)).toBe(1)
    expect(countExpiredSegments(segments, [], none, { ...policy, maxBytes: 250 }, 400)).toBe(0)
    expect(countExpiredSegments(segments, ['configured only'], none, { ...policy, retentionMs: 200 }, 400)).toBe(0)
  })
})

describe('retention of the embedded log', () => {
  async function fill(log: EmbeddedLog, count: number): Promise<void> {
    for (let i = 0; i < count; i++) await log.append(i % 2, [recordOf(`${i}`.padEnd(200))])
  }
  const lowOf = async (log: EmbeddedLog): Promise<number> => (await log.ends())[0]!.low

  it('deletes segments as soon as every group has completed them', async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open({ segmentBytes: 3_000, retentionMs: 0 })
    const one = await RecordCollector.subscribe(log, 'one', 'earliest')
    const two = await RecordCollector.subscribe(log, 'two', 'earliest')
    await fill(log, 60)
    await Promise.all([one.count(60), two.count(60)])
    const before = await directory.segments()
    for (const partition of [0, 1]) await one.commit(partition, 30)
    await log.applyRetention()
    expect(await directory.segments()).toEqual(before)
    for (const partition of [0, 1]) await two.commit(partition, 15)
    await log.applyRetention()
    const low = await lowOf(log)
    expect(low).toBeGreaterThan(0)
    expect(low).toBeLessThanOrEqual(15)
    expect((await directory.segments()).length).toBeLessThan(before.length)
    expect((await log.browse(0, 0, 1))[0]!.offset).toBe(low)
    // Nothing of what is held changes by opening the log again.
    await log.close()
    const again = await directory.open({ segmentBytes: 3_000, retentionMs: 0 })
    expect(await lowOf(again)).toBe(low)
    expect((await again.ends()).map(({ end }) => end)).toEqual([30, 30])
  })

  it('holds for groups that are away and for configured ones, until they are forgotten', async () => {
    await using directory = await LogDirectory.create()
    const options = { segmentBytes: 3_000, retentionMs: 0, groups: ['configured'] }
    const log = await directory.open(options)
    const away = await RecordCollector.subscribe(log, 'away', 'earliest')
    await away.subscription.close()
    await fill(log, 40)
    await log.applyRetention()
    expect(await lowOf(log)).toBe(0)
    await log.close()
    const again = await directory.open({ ...options, groups: [] })
    await again.applyRetention()
    expect(await lowOf(again)).toBe(0)
    await again.forgetGroup('away')
    expect(await lowOf(again)).toBeGreaterThan(0)
    expect(again.groups).toEqual([])
  })

  it('gives the room of a small quota back as soon as its events are completed', async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open({ maxBytes: 64 * 1024, groups: ['g'] })
    const group = await RecordCollector.subscribe(log, 'g', 'earliest')
    for (let round = 1; round <= 3; round++) {
      // All in one burst, so that they may all lie in one commit group and one segment.
      const outcomes = await Promise.allSettled(
        Array.from({ length: 100 }, () => log.append(0, [recordOf('x'.repeat(1_000))])),
      )
      const refused = outcomes.filter(({ status }) => status === 'rejected')
      expect(refused.length).toBeGreaterThan(0)
      expect(refused.length).toBeLessThan(100)
      const { end } = (await log.ends())[0]!
      await group.count(end)
      await group.commit(0, end)
      await log.applyRetention()
    }
  })

  it('keeps completed records until they are old enough', async () => {
    await using directory = await LogDirectory.create()
    let nowMs = 1_000_000
    const log = await directory.open({ segmentBytes: 3_000, retentionMs: 60_000, nowMs: () => nowMs })
    await fill(log, 40)
    await log.applyRetention()
    expect(await lowOf(log)).toBe(0)
    nowMs += 60_000
    await log.applyRetention()
    expect(await lowOf(log)).toBeGreaterThan(0)
  })

  it('tells a group whose next records are gone, and goes on with what is held', async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open({ segmentBytes: 3_000 })
    const group = await RecordCollector.subscribe(log, 'g', 'earliest')
    await fill(log, 40)
    await group.count(40)
    await group.commit(0, 2)
    await log.close()
    // Someone makes room by hand.
    for (const name of (await directory.segments()).slice(0, 2)) await rm(join(directory.path, name))
    const again = await directory.open({ segmentBytes: 3_000 })
    const low = await lowOf(again)
    expect(low).toBeGreaterThan(2)
    const late = await RecordCollector.subscribe(again, 'g', 'earliest')
    await late.until(() => late.of(0).length === 20 - low)
    expect(late.of(0)[0]!.offset).toBe(low)
    expect(late.anomalies).toContainEqual({ partition: 0, kind: 'expired', from: 2, to: low })
  })
})
