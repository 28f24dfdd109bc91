import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { SpanPipeline } from '../../src/telemetry/span-pipeline.ts'
import type { SpanRecord } from '../../src/telemetry/span-record.ts'
import { startNodeScript } from '../support/child-process.ts'
import { OtlpReceiver } from '../support/otlp/receiver.ts'

let receiver: OtlpReceiver
let pipeline: SpanPipeline
let warnings: string[]

beforeEach(async () => {
  receiver = await OtlpReceiver.start()
  warnings = []
})

afterEach(async () => {
  await pipeline?.shutdown(0)
  await receiver.stop()
})

function start(env: Record<string, string> = {}, endpoint = receiver.url): SpanPipeline {
  return (pipeline = new SpanPipeline({
    env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...env },
    resource: { 'service.name': 'test' },
    logger: { warn: (_facts, message) => void warnings.push(message) },
  }))
}

let next = 0
function span(name = 'a', attributes: SpanRecord['attributes'] = {}): SpanRecord {
  const spanId = (++next).toString(16).padStart(16, '0')
  const times = { startTimeMs: 1_700_000_000_000, endTimeMs: 1_700_000_000_001 }
  return { traceId: '0af7651916cd43dd8448eb211c80319c', spanId, name, kind: 0, ...times, attributes, scope: 'test' }
}

it('exports while the main thread is blocked: the exporter is not on it', async () => {
  const program = startNodeScript({
    script: join(import.meta.dirname, 'blocked-gateway.ts'),
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_TRACES_EXPORTER: undefined },
  })
  try {
    await receiver.waitFor(each => each.spans().length === 512)
  } finally {
    await program.kill()
  }
})

it('sends a batch when it is full, and what is left when it has waited long enough', async () => {
  const { add } = bound(start({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '3', OTEL_BSP_SCHEDULE_DELAY: '20' }))
  for (const name of ['a', 'b', 'c', 'd']) add(span(name))
  await receiver.waitFor(each => each.spans().length === 4)
  expect(receiver.exports()).toHaveLength(2)
})

it('carries links, events, status and scope to the collector', async () => {
  const { add } = bound(start())
  add({
    ...span('whole'),
    links: [{ traceId: '1'.repeat(32), spanId: '2'.repeat(16), attributes: { why: 'batch' } }],
    events: [{ name: 'retry', timeMs: 1_700_000_000_000, attributes: { attempt: 2 } }],
    status: { code: 2, message: 'no luck' },
    scopeVersion: '3',
  })
  await pipeline.shutdown(5_000)
  expect(receiver.spans()[0]).toMatchObject({
    links: [{ traceId: '1'.repeat(32), spanId: '2'.repeat(16), attributes: { why: 'batch' } }],
    events: [{ name: 'retry', attributes: { attempt: 2 } }],
    status: { code: 'error', message: 'no luck' },
    scope: 'test',
    resource: { 'service.name': 'test' },
  })
})

it('keeps no more than its bound while the collector hangs, counts the rest, and stops in time', async () => {
  receiver.hang()
  const { add } = bound(start({ OTEL_BSP_MAX_QUEUE_SIZE: '100', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10' }))
  for (let index = 0; index < 10_000; index++) add(span())
  expect(pipeline.dropped()).toBe(9_900)
  await receiver.waitFor(each => each.spans().length > 0)
  add(span())
  expect(pipeline.dropped()).toBe(9_901)
  await pipeline.shutdown(50)
  expect(pipeline.dropped()).toBe(10_001)
  expect(new Set(warnings)).toEqual(new Set(['spans are dropped: they come faster than they can be exported']))
})

it('gives up an export that takes longer than it may, and goes on', async () => {
  receiver.hang()
  const { add } = bound(start({ OTEL_BSP_EXPORT_TIMEOUT: '30', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1' }))
  for (let index = 0; index < 6; index++) add(span())
  await receiver.waitFor(each => each.spans().length === 6)
  await pipeline.shutdown(5_000)
  expect(pipeline.dropped()).toBe(6)
  expect(warnings).toEqual(['spans could not be exported'])
})

it('starts its thread again when it has died: what it had is counted, what waits is exported', async () => {
  const env: NodeJS.ProcessEnv = { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1' }
  env['NODE_OPTIONS'] = `--require=${join(import.meta.dirname, 'dying-thread.cjs')}`
  const died = Promise.withResolvers<void>()
  const resource = { 'service.name': 'test' }
  env['OTEL_EXPORTER_OTLP_ENDPOINT'] = receiver.url
  pipeline = new SpanPipeline({ env, resource, logger: { warn: (_facts, message) => died.resolve(warnings.push(message) as unknown as void) } }) // prettier-ignore
  pipeline.add(span('had'))
  await died.promise
  expect(warnings).toEqual(['the thread that exports spans has ended; it is started again'])
  expect(pipeline.dropped()).toBe(1)
  delete env['NODE_OPTIONS']
  pipeline.add(span('waits'))
  await receiver.waitFor(each => each.spans().length === 1)
  expect(receiver.spans().map(({ name }) => name)).toEqual(['waits'])
})

it('drops what cannot be copied to the thread, and nothing else', async () => {
  const { add } = bound(start({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1' }))
  add(span('bad', { call: () => {} }))
  add(span('good'))
  await pipeline.shutdown(5_000)
  expect(receiver.spans().map(({ name }) => name)).toEqual(['good'])
  expect(pipeline.dropped()).toBe(1)
})

function bound(from: SpanPipeline) {
  return { add: (each: SpanRecord) => from.add(each) }
}
