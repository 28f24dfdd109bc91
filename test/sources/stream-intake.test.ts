import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import { decodeEventHeader } from '../../src/events/event-header-codec.ts'
import type { EventHeader } from '../../src/events/event-header.ts'
import { partitionFor } from '../../src/log/partitioner.ts'
import type { IncomingEvent } from '../../src/sources/source.ts'
import { createStreamIntake } from '../../src/sources/stream-intake.ts'
import { MemoryLog } from './memory-log.ts'

const dedupe = { windowMs: 60_000, maxEntries: 1000 }
const full = (): SluiceError => new SluiceError('SLUICE_LOG_FULL', 'the log is full')

const event = (id: string, more: Partial<EventHeader> = {}): IncomingEvent => ({
  header: { id, source: '/s', type: 't', acceptedAtMs: 1, hops: 0, ...more },
  value: Buffer.from(`body of ${id}`),
})
const delivery = (id: string, more: Partial<EventHeader> = {}): IncomingEvent =>
  event(id, { dedupId: `d-${id}`, ...more })
const flush = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const keyFor = (partition: number): string => {
  for (let i = 0; ; i++) if (partitionFor(Buffer.from(`k${i}`), 4, () => 0) === partition) return `k${i}`
}

describe('an intake', () => {
  it('keeps header and bytes, and puts a key where Kafka would', async () => {
    const log = new MemoryLog()
    const [acceptance] = await createStreamIntake({ log }).accept([
      event('a', { partitionkey: 'device-17', subject: 'ü' }),
    ])
    const partition = partitionFor(Buffer.from('device-17'), 4, () => 0)
    expect(acceptance).toEqual({ partition, offset: 0, duplicate: false })
    const record = log.partitions[partition]![0]!
    expect(record.key?.toString()).toBe('device-17')
    expect(record.value?.toString()).toBe('body of a')
    expect(decodeEventHeader(record.header!)).toEqual(event('a', { partitionkey: 'device-17', subject: 'ü' }).header)
  })

  it('spreads events without a key over the partitions, those of one call staying together', async () => {
    const log = new MemoryLog()
    const intake = createStreamIntake({ log })
    const used = new Set<number>()
    for (let i = 0; i < 4; i++) {
      const batch = await intake.accept([event('a'), event('b'), event('c')])
      expect(new Set(batch.map(({ partition }) => partition)).size).toBe(1)
      expect(batch.map(({ offset }) => offset)).toEqual([0, 1, 2])
      used.add(batch[0]!.partition)
    }
    expect(used.size).toBe(4)
  })

  it('answers in the order of the events, whatever partitions they went to, and keeps the order of a key', async () => {
    const log = new MemoryLog()
    const keys = [keyFor(2), keyFor(0), keyFor(2), keyFor(3), keyFor(2)]
    const accepted = await createStreamIntake({ log }).accept(
      keys.map((partitionkey, i) => event(`e${i}`, { partitionkey })),
    )
    accepted.forEach(({ partition, offset }, i) => {
      expect(decodeEventHeader(log.partitions[partition]![offset]!.header!).id).toBe(`e${i}`)
    })
    expect(accepted.map(({ partition }) => partition)).toEqual([2, 0, 2, 3, 2])
    expect(accepted.map(({ offset }) => offset)).toEqual([0, 0, 1, 0, 2])
  })

  it('resolves only when every partition is durable', async () => {
    const log = new MemoryLog()
    log.holding = true
    let done = false
    const accepting = createStreamIntake({ log })
      .accept([event('a', { partitionkey: keyFor(0) }), event('b', { partitionkey: keyFor(1) })])
      .then(() => (done = true))
    log.held[0]!.complete()
    await flush()
    expect(done).toBe(false)
    log.held[1]!.complete()
    await accepting
    expect(done).toBe(true)
  })

  it('fails when one partition fails, after the others have ended', async () => {
    const log = new MemoryLog()
    log.holding = true
    const accepting = createStreamIntake({ log }).accept([
      event('a', { partitionkey: keyFor(0) }),
      event('b', { partitionkey: keyFor(1) }),
    ])
    let failed = false
    const outcome = accepting.catch((error: unknown) => {
      failed = true
      return error
    })
    log.held[0]!.fail(full())
    await flush()
    expect(failed).toBe(false)
    log.held[1]!.complete()
    expect(await outcome).toMatchObject({ code: 'SLUICE_LOG_FULL' })
  })

  it('refuses an event whose header cannot be kept by rejecting, not by throwing', async () => {
    const intake = createStreamIntake({ log: new MemoryLog() })
    await expect(intake.accept([event('a', { hops: -1 })])).rejects.toBeInstanceOf(SluiceError)
    await expect(intake.accept([event('a', { hops: -1 }), event('b')])).rejects.toBeInstanceOf(SluiceError)
  })
})

describe('a deduplicating intake', () => {
  it('accepts a delivery once and answers a repeat with the place of the first', async () => {
    const log = new MemoryLog()
    const intake = createStreamIntake({ log, dedupe })
    const [first] = await intake.accept([delivery('a')])
    const [second] = await intake.accept([delivery('a')])
    expect(second).toEqual({ ...first, duplicate: true })
    expect(log.records).toHaveLength(1)
  })

  it('lets a concurrent repeat wait for the first, and does not know an id before it is durable', async () => {
    const log = new MemoryLog()
    log.holding = true
    const intake = createStreamIntake({ log, dedupe })
    const first = intake.accept([delivery('a')])
    let answered = false
    const second = intake.accept([delivery('a')]).finally(() => (answered = true))
    await flush()
    expect(answered).toBe(false)
    expect(log.held).toHaveLength(1)
    log.held[0]!.complete()
    expect((await first)[0]!.duplicate).toBe(false)
    expect((await second)[0]).toEqual({ ...(await first)[0], duplicate: true })
  })

  it('releases the id when the append fails, and fails whoever waited for it', async () => {
    const log = new MemoryLog()
    log.holding = true
    const intake = createStreamIntake({ log, dedupe })
    const outcomes = Promise.allSettled([intake.accept([delivery('a')]), intake.accept([delivery('a')])])
    await flush()
    log.held[0]!.fail(full())
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    log.holding = false
    expect((await intake.accept([delivery('a')]))[0]!.duplicate).toBe(false)
    expect(log.records).toHaveLength(1)
  })

  it('accepts a repeat inside one call once', async () => {
    const log = new MemoryLog()
    const accepted = await createStreamIntake({ log, dedupe }).accept([delivery('a'), delivery('b'), delivery('a')])
    expect(accepted.map(({ duplicate }) => duplicate)).toEqual([false, false, true])
    expect(log.records).toHaveLength(2)
  })

  it('after a batch failed in part, a retry appends only what is missing', async () => {
    const log = new MemoryLog()
    log.holding = true
    const intake = createStreamIntake({ log, dedupe })
    const batch = [delivery('a', { partitionkey: keyFor(0) }), delivery('b', { partitionkey: keyFor(1) })]
    const failing = intake.accept(batch).catch((error: unknown) => error)
    await flush()
    log.held.find(({ partition }) => partition === 0)!.complete()
    log.held.find(({ partition }) => partition === 1)!.fail(full())
    expect(await failing).toMatchObject({ code: 'SLUICE_LOG_FULL' })
    log.holding = false
    expect((await intake.accept(batch)).map(({ duplicate }) => duplicate)).toEqual([true, false])
    expect(log.records).toHaveLength(2)
  })

  it('leaves events without an id alone', async () => {
    const log = new MemoryLog()
    const intake = createStreamIntake({ log, dedupe })
    await intake.accept([event('a'), event('a')])
    await intake.accept([event('a'), delivery('a')])
    expect(log.records).toHaveLength(4)
  })

  it('knows after a restart what the log holds of the last window, and nothing older', async () => {
    const log = new MemoryLog()
    log.nowMs = Date.now() - 61_000
    const before = createStreamIntake({ log, dedupe })
    await before.accept([delivery('old')])
    log.nowMs = Date.now()
    const [first] = await before.accept([delivery('recent')])
    const after = createStreamIntake({ log, dedupe })
    await after.rebuild()
    expect((await after.accept([delivery('recent')]))[0]).toEqual({ ...first, duplicate: true })
    expect((await after.accept([delivery('old')]))[0]!.duplicate).toBe(false)
  })

  it('knows what was accepted right before it was away, however long that was', async () => {
    const log = new MemoryLog()
    log.nowMs = Date.now() - 3 * 86_400_000 - 61_000
    const before = createStreamIntake({ log, dedupe })
    await before.accept([delivery('old')])
    log.nowMs += 61_000
    const [first] = await before.accept([delivery('last')])
    log.foundUntilMs = log.nowMs
    const after = createStreamIntake({ log, dedupe })
    await after.rebuild()
    expect((await after.accept([delivery('last')]))[0]).toEqual({ ...first, duplicate: true })
    expect((await after.accept([delivery('old')]))[0]!.duplicate).toBe(false)
  })

  it('reads back no more than it may hold, and knows the newest of it', async () => {
    const log = new MemoryLog(1)
    const before = createStreamIntake({ log, dedupe: { windowMs: 60_000, maxEntries: 100_000 } })
    for (let i = 0; i < 50; i++) await before.accept(Array.from({ length: 200 }, (_, n) => delivery(`${i}-${n}`)))
    const after = createStreamIntake({ log, dedupe: { windowMs: 60_000, maxEntries: 2000 } })
    await after.rebuild()
    expect(log.scanned).toMatchObject([{ maxRecords: 2000 }])
    expect((await after.accept([delivery('49-199')]))[0]!.duplicate).toBe(true)
    expect((await after.accept([delivery('0-0')]))[0]!.duplicate).toBe(false)
  })

  it('passes over a damaged header on rebuilding', async () => {
    const log = new MemoryLog(1)
    await log.append(0, [{ key: null, header: Buffer.from([0xff, 1, 2]), value: Buffer.from('x') }])
    await createStreamIntake({ log, dedupe }).accept([delivery('a')])
    const after = createStreamIntake({ log, dedupe })
    await after.rebuild()
    expect((await after.accept([delivery('a')]))[0]!.duplicate).toBe(true)
  })
})
