import { crc32 } from 'node:zlib'
import { afterEach, expect, it } from 'vitest'
import { SluiceError } from '../../../src/errors/sluice-error.ts'
import { readHeaderField, headerTag } from '../../../src/events/event-header-codec.ts'
import { MomentRecorder } from '../../../src/gateway/recent-events/moment-recorder.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import type { EventMoment } from '../../../src/store/event-moment.ts'
import { decodeMoment, momentsOf } from '../../../src/store/moment-codec.ts'
import type { MomentChunk, MomentGap, RecentEvents } from '../../../src/store/recent-events.ts'
import { DispatchFixture } from '../../dispatch/dispatch-fixture.ts'
import { failed, type Script } from '../../dispatch/scripted-pool.ts'

const fixtures: DispatchFixture[] = []
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
})

/** Keeps what it is given, unless it is told to refuse. */
class MemoryIndex implements RecentEvents {
  readonly chunks: MomentChunk[] = []
  readonly gaps: MomentGap[] = []
  refuses = false

  keep(chunk: MomentChunk): boolean {
    if (!this.refuses) this.chunks.push(chunk)
    return !this.refuses
  }

  keepGap(gap: MomentGap): void {
    this.gaps.push(gap)
  }

  find(): Promise<never> {
    return Promise.reject(new Error('not asked'))
  }

  moments(isNotable?: boolean): readonly EventMoment[] {
    return this.chunks
      .filter(chunk => isNotable === undefined || chunk.isNotable === isNotable)
      .flatMap(({ data }) => {
        const bytes = Buffer.from(data)
        return [...momentsOf(bytes)].map(prefix => decodeMoment(bytes, prefix) as EventMoment)
      })
  }

  get leftOut(): number {
    return this.gaps.reduce((sum, { events }) => sum + (events ?? 0), 0)
  }
}

async function open(script: Script, maxPerSecond: number, options: Parameters<DispatchFixture['open']>[1] = {}) {
  const index = new MemoryIndex()
  const recorder = new MomentRecorder(index, maxPerSecond)
  const fixture = new DispatchFixture()
  fixtures.push(fixture)
  await fixture.open(script, { recorder, ...options })
  return { index, recorder, fixture }
}

const big = Buffer.alloc(10_000, 'x')
const results = (...data: Buffer[]) =>
  ({
    kind: 'succeeded',
    durationMs: 1,
    results: data.map(bytes => ({ meta: { type: 'x' }, contentType: 'text/plain', data: bytes })),
  }) as const

const sink = (deliver: () => Promise<void>): Sink => ({
  name: 'out',
  kind: 'http',
  start: () => Promise.resolve(),
  close: () => Promise.resolve(),
  health: () => ({ ready: true }),
  deliver,
})

const idOf = ({ header }: EventMoment): string | undefined =>
  header === undefined ? undefined : readHeaderField(Buffer.from(header), headerTag.id)

it('writes down an event once with its header, its attempt, its result and its end', async () => {
  const { index, recorder, fixture } = await open(() => results(Buffer.from('r')), 100, {
    sinks: [sink(() => Promise.resolve())],
  })
  await fixture.append('k', 'one')
  await fixture.untilDone(1)
  recorder.stop()
  const moments = index.moments(false)
  expect(moments).toMatchObject([
    { kind: 'attempt', attempt: 1, version: 'fn@latest', outcome: 'succeeded', stream: 's', trigger: 't', offset: 0 },
    { kind: 'sink', sink: 'out', attempts: 1 },
    { kind: 'done' },
  ])
  expect(moments.map(idOf)).toEqual(['one', undefined, undefined])
  expect(moments[0]).toMatchObject({ resultCount: 1, results: [{ dataBytes: 1, data: Uint8Array.from([0x72]) }] })
})

it('cuts a large result, and knows it by its length and checksum; of many the first are kept', async () => {
  const { index, recorder, fixture } = await open(() => results(...Array.from({ length: 9 }, () => big)), 100)
  await fixture.append('k', 'one')
  await fixture.untilDone(1)
  recorder.stop()
  const [attempt] = index.moments()
  expect(attempt).toMatchObject({ kind: 'attempt', resultCount: 9 })
  const kept = attempt?.kind === 'attempt' ? attempt.results : []
  expect(kept.length).toBeLessThan(9)
  expect(kept[0]).toMatchObject({ dataBytes: 10_000, crc32: crc32(big) })
  expect(kept[0]?.data.length).toBe(4096)
})

it('takes of usual events as many as the rate allows, whole, and counts the others', async () => {
  const { index, recorder, fixture } = await open(() => results(), 5)
  await fixture.appendAll(Array.from({ length: 200 }, (_, number) => [`k${number}`, `e${number}`] as const))
  await fixture.untilDone(200)
  recorder.stop()
  const attempts = index.moments().filter(({ kind }) => kind === 'attempt')
  const ends = index.moments().filter(({ kind }) => kind === 'done')
  expect(attempts.length).toBeGreaterThanOrEqual(5)
  expect(index.leftOut).toBeGreaterThan(0)
  expect(attempts.length + index.leftOut).toBe(200)
  expect(ends.map(({ offset }) => offset).sort()).toEqual(attempts.map(({ offset }) => offset).sort())
})

it('takes every event that something goes wrong with, whatever the rate, with its failures', async () => {
  const script: Script = ({ value, attempt }) => (attempt < 3 || value === 'dead' ? failed(`no ${value}`) : results())
  const { index, recorder, fixture } = await open(script, 0)
  await fixture.append('k1', 'late')
  await fixture.append('k2', 'dead')
  await fixture.untilDone(2)
  recorder.stop()
  const told = (offset: number) =>
    index
      .moments(true)
      .filter(moment => moment.offset === offset)
      .map(moment => (moment.kind === 'attempt' ? `${moment.attempt} ${moment.outcome}` : moment.kind))
  expect(told(0)).toEqual(['1 failed', '2 failed', '3 succeeded', 'done'])
  expect(told(1)).toEqual(['1 failed', '2 failed', '3 failed', 'done'])
  const end = index.moments().findLast(({ offset }) => offset === 1)
  expect(end).toMatchObject({ deadLetter: { stage: 'handler', reason: 'error', message: 'no dead' } })
  expect(index.leftOut).toBe(0)
})

it('tells of a sink that gave up although the event was left out before', async () => {
  const refuse = () => Promise.reject(new SluiceError('SLUICE_SINKS_REJECTED', 'no thanks'))
  const { index, recorder, fixture } = await open(() => results(Buffer.from('r')), 0, { sinks: [sink(refuse)] })
  await fixture.append('k', 'one')
  await fixture.untilDone(1)
  recorder.stop()
  expect(index.moments(true)).toMatchObject([
    { kind: 'sink', sink: 'out', error: 'no thanks' },
    { kind: 'done', deadLetter: { stage: 'sink' } },
  ])
  expect(idOf(index.moments()[0] as EventMoment)).toBe('one')
})

it('tells that an event was parked', async () => {
  const { index, recorder, fixture } = await open(({ attempt }) => (attempt === 1 ? failed() : results()), 10, {
    parkAfterMs: 0,
    retry: { maxAttempts: 3, initialDelayMs: 5, maxDelayMs: 5, jitter: 0 },
  })
  await fixture.append('k', 'one')
  await fixture.untilDone(1)
  recorder.stop()
  expect(index.moments().map(({ kind }) => kind)).toEqual(['attempt', 'parked', 'attempt', 'done'])
})

it('counts what the index refuses', async () => {
  const { index, recorder, fixture } = await open(() => results(), 100)
  index.refuses = true
  await fixture.append('k', 'one')
  await fixture.untilDone(1)
  recorder.stop()
  expect(index.leftOut).toBe(1)
})

it('harms no event that it cannot write down, and counts it', async () => {
  const meta = {
    subject: 'odd',
    toJSON: (): never => {
      throw new Error('cannot be written')
    },
  }
  const odd = { kind: 'succeeded', durationMs: 1, results: [{ meta, contentType: 'text/plain', data: big }] } as const
  let deliveries = 0
  const deliver = () => Promise.resolve(void deliveries++)
  const { index, recorder, fixture } = await open(() => odd, 100, { sinks: [sink(deliver)] })
  await fixture.append('k', 'one')
  await fixture.untilDone(1)
  recorder.stop()
  expect(deliveries).toBe(1)
  expect(index.leftOut).toBe(1)
  expect(index.moments().map(({ kind }) => kind)).toEqual(['sink', 'done'])
})
