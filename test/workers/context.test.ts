import { afterEach, describe, expect, it } from 'vitest'
import { createWorkerPool } from '../../src/workers/piscina-pool.ts'
import type { WorkerPool } from '../../src/workers/worker-pool.ts'
import type { SpanRecord } from '../../src/telemetry/span-record.ts'
import type { FunctionLogEntry } from '../../src/workers/worker-settings.ts'
import { invocationOf, jsonOf, outcomesOf, versionOf } from './worker-fixtures.ts'

let pool: WorkerPool

afterEach(async () => {
  await pool.close(0)
})

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

describe('a handler', () => {
  it('gets the event and its context', async () => {
    const lines: FunctionLogEntry[] = []
    pool = createWorkerPool(
      versionOf('context-probe.mjs', { environment: { REGION: 'north' }, secrets: { token: 's' } }),
      {
        onLog: entry => lines.push(entry),
      },
    )
    pool.setWorkers(1)
    const invocation = invocationOf({ n: 1 }, { attempt: 3, epoch: 12, traceparent })
    const [outcome] = await outcomesOf(pool, [invocation])
    const { offset } = invocation.record
    const [emitted, returned] = jsonOf(outcome) as unknown[]
    expect(emitted).toEqual({ first: 1 })
    expect(outcome?.kind === 'succeeded' && outcome.results[0]?.meta).toEqual({ sink: 'audit', key: 'k' })
    const attributes = { id: `event-${offset}`, source: '/test', type: 'test.probe', subject: 'subject' }
    expect((returned as { seen: unknown }).seen).toEqual({
      ...attributes,
      key: 'key-1',
      data: { n: 1 },
      bytes: '{"n":1}',
      json: {
        specversion: '1.0',
        ...attributes,
        datacontenttype: 'application/json',
        partitionkey: 'key-1',
        tenant: 'a',
        level: 3,
        data: { n: 1 },
      },
      extensions: { tenant: 'a', level: 3 },
      function: 'probe',
      version: '1',
      trigger: 'on-probe',
      stream: 'probes',
      invocationId: `probes/3/${offset}#3`,
      attempt: 3,
      epoch: 12,
      remaining: true,
      deadline: true,
      aborted: false,
      env: { REGION: 'north' },
      secrets: { token: 's' },
      http: { kind: 'http', method: 'POST', path: '/in', query: '', headers: { 'x-a': 'b' } },
    })
    expect(lines).toMatchObject([
      {
        level: 'warn',
        message: 'careful',
        fields: '{"n":1}',
        invocationId: `probes/3/${offset}#3`,
        traceId: traceparent.slice(3, 35),
      },
    ])
  })

  it('gets its data by content type', async () => {
    pool = createWorkerPool(versionOf('echo.mjs'))
    pool.setWorkers(1)
    const outcomes = await outcomesOf(pool, [
      invocationOf({ a: 1 }, { contentType: 'application/vnd.x+json; charset=utf-8' }),
      invocationOf(Buffer.from('grün'), { contentType: 'text/plain' }),
      invocationOf(Buffer.from([1, 2, 255]), { contentType: 'image/png' }),
      invocationOf(undefined),
      invocationOf(Buffer.from('{oops'), { contentType: 'application/json' }),
    ])
    const results = outcomes.map(outcome =>
      outcome.kind === 'succeeded' ? outcome.results.map(r => [r.contentType, r.data]) : outcome.kind,
    )
    expect(results).toEqual([
      [['application/json', Buffer.from('{"a":1}')]],
      [['text/plain; charset=utf-8', Buffer.from('grün')]],
      [['application/octet-stream', Buffer.from([1, 2, 255])]],
      [],
      'failed',
    ])
  })

  it('sees the active span of a sampled event, and its own spans come back', async () => {
    const spans: SpanRecord[] = []
    pool = createWorkerPool(versionOf('spans.mjs'), { tracing: true, onSpans: posted => spans.push(...posted) })
    pool.setWorkers(1)
    const outcomes = await outcomesOf(pool, [invocationOf({ n: 1 }, { traceparent }), invocationOf({ n: 2 })])
    expect(outcomes.map(jsonOf)).toEqual([[{ active: 'b7ad6b7169203331' }], [{}]])
    expect(spans).toMatchObject([
      {
        traceId: '0af7651916cd43dd8448eb211c80319c',
        parentSpanId: 'b7ad6b7169203331',
        name: 'work',
        attributes: { n: 1 },
        scope: 'user',
      },
    ])
  })
})

describe('a batch handler', () => {
  const traced = async (trace: 'links' | 'parent' | undefined) => {
    const spans: SpanRecord[] = []
    const options = { maxEvents: 10, ...(trace === undefined ? undefined : { trace }) }
    pool = createWorkerPool(versionOf('batch-spans.mjs', { batch: options }), { tracing: true, onSpans: posted => spans.push(...posted) }) // prettier-ignore
    pool.setWorkers(1)
    const other = traceparent.replace('0af7', '1af7').replace('b7ad', 'c7ad')
    await outcomesOf(pool, [invocationOf({ n: 1 }, { traceparent }), invocationOf({ n: 2 }), invocationOf({ n: 3 }, { traceparent: other })]) // prettier-ignore
    const [work, call, ...more] = spans
    expect(more).toEqual([])
    expect(work).toMatchObject({ name: 'work', traceId: call?.traceId, parentSpanId: call?.spanId })
    expect(call).toMatchObject({ name: 'process batch probes', attributes: { 'messaging.batch.message_count': 3 } })
    return call as SpanRecord
  }
  const [first, second] = ['0af7', '1af7'].map(start => ({
    traceId: `${start}651916cd43dd8448eb211c80319c`,
    spanId: start === '0af7' ? 'b7ad6b7169203331' : 'c7ad6b7169203331',
  }))

  it('has a span for the call, in a trace of its own that is linked to every sampled event', async () => {
    const call = await traced(undefined)
    expect(call).not.toHaveProperty('parentSpanId')
    expect([first?.traceId, second?.traceId]).not.toContain(call.traceId)
    expect(call.links).toEqual([first, second])
  })

  it('has a span for the call in the trace of its first event where that is asked for, linked to the others', async () => {
    const call = await traced('parent')
    expect(call).toMatchObject({ traceId: first?.traceId, parentSpanId: first?.spanId, links: [second] })
  })

  const start = (maxEvents: number): void => {
    pool = createWorkerPool(versionOf('batch.mjs', { batch: { maxEvents } }))
    pool.setWorkers(1)
  }

  it('gets arrays; what it emits goes with the first event that succeeded', async () => {
    start(3)
    const outcomes = await outcomesOf(
      pool,
      [1, 2, 3, 4, 5].map(n => invocationOf({ n, fail: n === 1 })),
    )
    expect(outcomes.map(({ kind }) => kind)).toEqual(['failed', 'succeeded', 'succeeded', 'succeeded', 'succeeded'])
    expect(outcomes.slice(1).map(jsonOf)).toEqual([[{ count: 3 }], [], [{ count: 2 }], []])
  })

  it('a failed item gives the later items of its key back, in later batches too', async () => {
    start(2)
    const outcomes = await outcomesOf(pool, [
      invocationOf({ n: 1, fail: true }),
      invocationOf({ n: 2 }, { followsPrevious: true }),
      invocationOf({ n: 3 }, { followsPrevious: true }),
      invocationOf({ n: 4 }),
    ])
    expect(outcomes.map(({ kind }) => kind)).toEqual(['failed', 'not-started', 'not-started', 'succeeded'])
  })

  it.each([
    ['malformed', 'bad-result'],
    ['unknown', 'bad-result'],
    ['throw', 'error'],
  ])('%s fails the whole batch: nobody is charged, and each half is a part of its own', async (act, reason) => {
    start(10)
    const outcomes = await outcomesOf(pool, [invocationOf({ act }), invocationOf({}), invocationOf({})])
    expect(outcomes).toMatchObject(outcomes.map(() => ({ kind: 'batch-failed', error: { reason } })))
    const parts = outcomes.map(outcome => (outcome.kind === 'batch-failed' ? outcome.part : undefined))
    expect(parts[0]).toBe(parts[1])
    expect(parts[2]).not.toBe(parts[0])
    expect([parts[0]!.events, parts[2]!.events]).toEqual([2, 1])
  })

  it('is called with the events of one part at a time', async () => {
    start(10)
    const [part, other] = [{ events: 2 }, { events: 1 }]
    const outcomes = await outcomesOf(pool, [
      ...[invocationOf({}), invocationOf({}, { part }), invocationOf({}, { part }), invocationOf({}, { part: other })],
      invocationOf({}),
    ])
    expect(outcomes.map(jsonOf)).toEqual([[{ count: 1 }], [{ count: 2 }], [], [{ count: 1 }], [{ count: 1 }]])
  })

  it('is called with no more bytes than it wants, but with one event at least', async () => {
    pool = createWorkerPool(versionOf('batch.mjs', { batch: { maxEvents: 10, maxBytes: 20 } }))
    pool.setWorkers(1)
    const outcomes = await outcomesOf(
      pool,
      ['123456', '1234567', 'x'.repeat(100), '1'].map(text => invocationOf({ text })),
    )
    expect(outcomes.map(jsonOf)).toEqual([[{ count: 1 }], [{ count: 1 }], [{ count: 1 }], [{ count: 1 }]])
    const small = await outcomesOf(
      pool,
      [1, 2, 3].map(n => invocationOf(n)),
    )
    expect(small.map(jsonOf)).toEqual([[{ count: 3 }], [], []])
  })

  it('charges nobody of several when it takes too long', async () => {
    pool = createWorkerPool(versionOf('batch.mjs', { batch: { maxEvents: 10 }, timeoutMs: 100 }))
    pool.setWorkers(1)
    const outcomes = await outcomesOf(pool, [invocationOf({ act: 'hang' }), invocationOf({})])
    // Where the worker does not come to say it in time, it is ended from outside, and both are suspects.
    for (const outcome of outcomes) expect(outcome).toMatchObject({ error: { reason: 'timeout' } })
    for (const { kind } of outcomes) expect(['batch-failed', 'suspect']).toContain(kind)
  })

  it.each([
    ['malformed', 'bad-result'],
    ['unknown', 'bad-result'],
    ['throw', 'error'],
  ])('%s charges the whole batch where it is to be retried', async (act, reason) => {
    pool = createWorkerPool(versionOf('batch.mjs', { batch: { maxEvents: 10, onError: 'retry' } }))
    pool.setWorkers(1)
    const outcomes = await outcomesOf(pool, [invocationOf({ act }), invocationOf({})])
    expect(outcomes).toMatchObject([
      { kind: 'failed', error: { reason } },
      { kind: 'failed', error: { reason } },
    ])
  })
})
