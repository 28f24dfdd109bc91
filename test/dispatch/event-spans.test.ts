import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import { encodeEventHeader } from '../../src/events/event-header-codec.ts'
import { createHomeEventReader } from '../../src/events/home-event-reader.ts'
import type { Sink } from '../../src/sinks/sink.ts'
import { startTracing, type Tracing } from '../../src/telemetry/otel-tracer.ts'
import { noTracer, type Tracer } from '../../src/telemetry/tracer.ts'
import type { ReceivedSpan } from '../support/otlp/received.ts'
import { OtlpReceiver } from '../support/otlp/receiver.ts'
import { DispatchFixture, type FixtureOptions } from './dispatch-fixture.ts'
import { failed, succeeded, type Script } from './scripted-pool.ts'

let receiver: OtlpReceiver
let tracing: Tracing
const fixtures: DispatchFixture[] = []

beforeEach(async () => {
  receiver = await OtlpReceiver.start()
  tracing = await startTracing({
    sampleRatio: 1,
    version: '1',
    logger: { warn() {} },
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '20' },
  })
})

afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
  await tracing.shutdown()
  await receiver.stop()
})

const retry = { maxAttempts: 2, initialDelayMs: 1, maxDelayMs: 1, jitter: 0 }

async function open(script: Script, options: FixtureOptions = {}, dir?: string): Promise<DispatchFixture> {
  const fixture = new DispatchFixture(dir)
  fixtures.push(fixture)
  return fixture.open(script, { retry, tracer: tracing.tracer, ...options })
}

interface Sent {
  readonly traceId: string
  readonly spanId: string
}

/** Appends an event that was accepted within a sampled trace. */
async function send(fixture: DispatchFixture, key: string, id: string, flags = '01'): Promise<Sent> {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
  const traceparent = `00-${traceId}-${spanId}-${flags}`
  const header = {
    id,
    source: '/test',
    type: 'test',
    acceptedAtMs: Date.now(),
    hops: 0,
    partitionkey: key,
    traceparent,
  }
  await fixture.log.append(0, [{ key: Buffer.from(key), header: encodeEventHeader(header), value: Buffer.from(id) }])
  return { traceId, spanId }
}

/** Redrives every letter; gives the number of the redrive. */
async function redrive({ store, trigger }: DispatchFixture): Promise<number> {
  const spec = { trigger: 't', filter: {}, upToId: 1_000, total: 1_000, guarded: 0, force: false }
  const { id } = await store.startRedrive(spec, 1)
  trigger.redrive((await store.advanceRedrive(id, { limit: 100, maxInFlight: 100, nowMs: 1 }))?.inFlight ?? [])
  return id
}

/** All spans of a trace in order of their beginning, once there are so many. */
async function spansOf(traceId: string, count: number): Promise<readonly ReceivedSpan[]> {
  const spans = await receiver.waitFor(each => {
    const found = each.spansOfTrace(traceId)
    return found.length >= count && found
  })
  return [...spans].sort((a, b) => Number(a.startTimeUnixNano - b.startTimeUnixNano))
}

const namesOf = (spans: readonly ReceivedSpan[]): string[] => spans.map(({ name }) => name)
const linksOf = (span: ReceivedSpan | undefined) => span?.links.map(({ spanId }) => spanId)

describe('attempts', () => {
  it('are siblings below the event, each linked to the one before, and tell what they ran', async () => {
    const fixture = await open(({ attempt }) => (attempt === 1 ? failed('not yet') : succeeded))
    const sent = await send(fixture, 'k', 'e1')
    await fixture.untilDone(1)
    const [first, second] = await spansOf(sent.traceId, 2)
    expect(first).toMatchObject({ name: 'process s', parentSpanId: sent.spanId, links: [], status: { code: 'error' } })
    expect(second).toMatchObject({ name: 'process s', parentSpanId: sent.spanId, status: { code: 'unset' } })
    expect(linksOf(second)).toEqual([first?.spanId])
    expect(first?.attributes).toMatchObject({
      'messaging.system.name': 'sluice',
      'messaging.destination.name': 's',
      'messaging.operation.type': 'process',
      'messaging.message.id': 'e1',
      'cloudevents.event_id': 'e1',
      'cloudevents.event_source': '/test',
      'cloudevents.event_type': 'test',
      'faas.name': 'fn',
      'faas.invocation.id': 's/0/0#1',
      'sluice.offset': 0,
      'sluice.attempt': 1,
      'error.type': 'error',
    })
    expect(second?.attributes['sluice.attempt']).toBe(2)
  })

  it('of an event that is not sampled have no span, and neither have its parking and its dead letter', async () => {
    const fixture = await open(() => failed('no'), { parkAfterMs: 0 })
    const sent = await send(fixture, 'k', 'e1', '00')
    const other = await send(fixture, 'l', 'e2')
    await fixture.untilDone(2)
    await spansOf(other.traceId, 5)
    expect(receiver.spansOfTrace(sent.traceId)).toEqual([])
    expect(new Set(receiver.spans().map(({ traceId }) => traceId))).toEqual(new Set([other.traceId]))
  })
})

describe('an event of a topic that came without a trace', () => {
  const topic = { trigger: 't', stream: 's', reader: { ...createHomeEventReader(), resolve: <T>(record: T) => record } }
  const feed = { ...topic, headerDefaults: {} }

  it('is in one trace through all of its attempts, its parking and its dead letter', async () => {
    const fixture = await open(() => failed('no'), { feed, parkAfterMs: 0, storedFeed: { ...feed, reader: createHomeEventReader() } }) // prettier-ignore
    await fixture.append('k', 'e1')
    await fixture.untilDone(1)
    await receiver.waitFor(each => each.spans().length >= 5)
    const spans = await spansOf(receiver.spans()[0]!.traceId, 5)
    expect(namesOf(spans)).toEqual(['process s', 'park s', 'unpark s', 'process s', 'dead-letter s'])
    const [root, ...others] = spans
    expect(root?.parentSpanId).toBeUndefined()
    for (const span of others) expect(span.parentSpanId).toBe(root?.spanId)
  })

  it('is decided on once: what was not sampled is not drawn again', async () => {
    const asked: unknown[] = []
    const process = (parent: unknown, _stream: unknown, _facts: unknown, origin: unknown): undefined =>
      void asked.push([parent, origin])
    const tracer: Tracer = { ...noTracer, enabled: true, process }
    const fixture = await open(() => failed('no'), { feed, tracer })
    await fixture.append('k', 'e1')
    await fixture.untilDone(1)
    expect(asked).toEqual([
      [undefined, { isUndecided: true }],
      [undefined, { isUndecided: false }],
    ])
  })
})

describe('a key that is parked', () => {
  it('has a span when its events are set aside and when they are back, across a restart', async () => {
    const held = Promise.withResolvers<typeof succeeded>()
    const slow = { maxAttempts: 3, initialDelayMs: 1_500, maxDelayMs: 1_500, jitter: 0 }
    const fixture = await open(({ attempt }) => (attempt === 1 ? failed('not yet') : held.promise), { parkAfterMs: 0, retry: slow }) // prettier-ignore
    const sent = await send(fixture, 'k', 'e1')
    const [first, park] = await spansOf(sent.traceId, 2)
    expect(park).toMatchObject({
      name: 'park s',
      parentSpanId: sent.spanId,
      kind: 'internal',
      status: { code: 'unset' },
    })
    await fixture.stop()
    const again = await open(() => succeeded, { parkAfterMs: 0, retry: slow }, fixture.dir)
    fixtures.splice(fixtures.indexOf(fixture), 1)
    await again.untilDone(1)
    const [, , unpark, second] = await spansOf(sent.traceId, 4)
    expect(unpark).toMatchObject({ name: 'unpark s', parentSpanId: sent.spanId })
    expect(second).toMatchObject({ name: 'process s', parentSpanId: sent.spanId })
    expect(second?.attributes['sluice.attempt']).toBe(2)
    expect(linksOf(second)).toEqual([first?.spanId])
  })
})

describe('a dead letter', () => {
  it('has a span with the reason, and keeps the trace of every attempt', async () => {
    const fixture = await open(() => failed('no luck'))
    const sent = await send(fixture, 'k', 'e1')
    await fixture.untilDone(1)
    const spans = await spansOf(sent.traceId, 3)
    expect(namesOf(spans)).toEqual(['process s', 'process s', 'dead-letter s'])
    expect(spans[2]).toMatchObject({
      parentSpanId: sent.spanId,
      status: { code: 'error', message: 'no luck' },
      attributes: { 'messaging.operation.type': 'settle', 'sluice.stage': 'handler', 'error.type': 'error' },
    })
    const [letter] = await fixture.store.listDeadLetters('t', 1)
    const failures = JSON.parse(letter?.failures ?? '') as { traceparent: string }[]
    expect(failures.map(({ traceparent }) => traceparent)).toEqual(
      spans.slice(0, 2).map(({ spanId }) => `00-${sent.traceId}-${spanId}-01`),
    )
  })

  it('that is redriven runs in a trace of its own, linked to the event and to its last attempt', async () => {
    const fixture = await open(() => failed('no'))
    const sent = await send(fixture, 'k', 'e1')
    await fixture.untilDone(1)
    const original = await spansOf(sent.traceId, 3)
    fixture.pool.script = ({ attempt }) => (attempt === 1 ? failed('still not') : succeeded)
    const id = await redrive(fixture)
    await fixture.untilDone(2)
    const run = await receiver.waitFor(each =>
      each.spans().find(({ name, attributes }) => name === 'process s' && attributes['sluice.redrive'] === id),
    )
    expect(run.traceId).not.toBe(sent.traceId)
    expect(run.parentSpanId).toBeUndefined()
    expect(run.links.map(({ traceId, spanId }) => [traceId, spanId])).toEqual([
      [sent.traceId, sent.spanId],
      [sent.traceId, original[1]?.spanId],
    ])
    const [first, second] = (await spansOf(run.traceId, 2)).filter(({ name }) => name === 'process s')
    expect(second).toMatchObject({ traceId: run.traceId, parentSpanId: first?.spanId })
    expect(linksOf(second)).toEqual([first?.spanId])
    expect(await fixture.store.listDeadLetters('t', 1)).toEqual([])
  })
})

describe('a result', () => {
  it('has a span for each attempt of its sink, below the attempt that made it, and takes its context along', async () => {
    const taken: (string | undefined)[] = []
    const sink: Sink = {
      name: 'out',
      kind: 'kafka',
      destination: 'results',
      start: () => Promise.resolve(),
      deliver: ({ header }) => {
        taken.push(header.traceparent)
        if (taken.length === 1) return Promise.reject(new SluiceError('SLUICE_SINKS_UNAVAILABLE', 'away'))
        return Promise.resolve()
      },
      health: () => ({ ready: true }),
      close: () => Promise.resolve(),
    }
    const result = { meta: {}, contentType: 'text/plain', data: Buffer.from('done') }
    const fixture = await open(() => ({ ...succeeded, results: [result] }), { sinks: [sink], sinkRetry: retry })
    const sent = await send(fixture, 'k', 'e1')
    await fixture.untilDone(1)
    const [process, ...publishes] = await spansOf(sent.traceId, 3)
    expect(namesOf(publishes)).toEqual(['publish out', 'publish out'])
    for (const each of publishes) {
      expect(each).toMatchObject({ kind: 'producer', parentSpanId: process?.spanId })
      expect(each.attributes).toMatchObject({
        'messaging.system.name': 'kafka',
        'messaging.destination.name': 'results',
      })
    }
    expect(publishes.map(({ status }) => status.code)).toEqual(['error', 'unset'])
    expect(taken).toEqual(publishes.map(({ spanId }) => `00-${sent.traceId}-${spanId}-01`))
  })

  it('that a redrive delivers once more is in a trace of its own, linked to the attempt that made it', async () => {
    const taken: (string | undefined)[] = []
    let isAway = true
    const sink: Sink = {
      ...{ name: 'out', kind: 'http', destination: 'example.com', health: () => ({ ready: true }) },
      start: () => Promise.resolve(),
      deliver: ({ header }) => {
        if (isAway) return Promise.reject(new SluiceError('SLUICE_SINKS_REJECTED', 'no'))
        taken.push(header.traceparent)
        return Promise.resolve()
      },
      close: () => Promise.resolve(),
    }
    const result = { meta: {}, contentType: 'text/plain', data: Buffer.from('done') }
    const fixture = await open(() => ({ ...succeeded, results: [result] }), { sinks: [sink], sinkRetry: retry })
    const sent = await send(fixture, 'k', 'e1')
    await fixture.untilDone(1)
    const [process] = await spansOf(sent.traceId, 3)
    isAway = false
    await redrive(fixture)
    await fixture.untilDone(2)
    const redelivery = await receiver.waitFor(each => each.spans().find(({ name }) => name === 'redeliver s'))
    expect(redelivery.traceId).not.toBe(sent.traceId)
    expect(linksOf(redelivery)).toEqual([sent.spanId, process?.spanId])
    const [, publish] = await spansOf(redelivery.traceId, 2)
    expect(publish).toMatchObject({ name: 'publish out', kind: 'client', parentSpanId: redelivery.spanId })
    expect(publish?.attributes['server.address']).toBe('example.com')
    expect(taken).toEqual([`00-${redelivery.traceId}-${publish?.spanId}-01`])
  })
})
