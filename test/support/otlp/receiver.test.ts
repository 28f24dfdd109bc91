import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startNodeScript } from '../child-process.ts'
import { OtlpReceiver } from './receiver.ts'

let receiver: OtlpReceiver

beforeEach(async () => {
  receiver = await OtlpReceiver.start()
})
afterEach(() => receiver.stop())

async function emit(env: Record<string, string>): Promise<void> {
  const program = startNodeScript({
    script: join(import.meta.dirname, 'emit.ts'),
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_SERVICE_NAME: 'emitter',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_LOGS_EXPORTER: 'none',
      ...env,
    },
  })
  expect(await program.exited, program.lines.join('\n')).toEqual({ code: 0, signal: null })
}

describe.each([
  { protocol: 'http/protobuf', compression: 'none', contentType: 'application/x-protobuf', encoding: 'identity' },
  { protocol: 'http/protobuf', compression: 'gzip', contentType: 'application/x-protobuf', encoding: 'gzip' },
  { protocol: 'http/json', compression: 'none', contentType: 'application/json', encoding: 'identity' },
])(
  'what the OpenTelemetry SDK exports with $protocol, compression $compression',
  ({ protocol, compression, ...sent }) => {
    it('is received in full', async () => {
      await emit({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_EXPORTER_OTLP_COMPRESSION: compression })

      const parent = await receiver.waitFor(r => r.spans().find(span => span.name === 'parent'))
      const child = await receiver.waitFor(r => r.spans().find(span => span.name === 'child'))
      expect(receiver.exports()).toContainEqual({ path: '/v1/traces', ...sent })

      expect(parent.traceId).toMatch(/^[0-9a-f]{32}$/)
      expect(parent.spanId).toMatch(/^[0-9a-f]{16}$/)
      expect(parent).not.toHaveProperty('parentSpanId')
      expect(parent).toMatchObject({ kind: 'consumer', scope: 'emit', status: { code: 'unset' } })
      expect(parent.attributes).toEqual({
        text: 'grüße',
        whole: 42,
        negative: -7,
        part: 0.5,
        yes: true,
        list: ['a', 'b'],
      })
      expect(parent.links).toEqual([
        { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', attributes: { why: 'batch' } },
      ])
      expect(parent.resource).toMatchObject({ 'service.name': 'emitter' })

      expect(child).toMatchObject({ traceId: parent.traceId, parentSpanId: parent.spanId, kind: 'internal' })
      expect(child.status).toEqual({ code: 'error', message: 'no luck' })
      expect(child.events).toEqual([{ name: 'retry', attributes: { attempt: 2 } }])
      expect(child.endTimeUnixNano).toBeGreaterThanOrEqual(child.startTimeUnixNano)
      expect(receiver.spansOfTrace(parent.traceId)).toHaveLength(2)

      const counter = await receiver.waitFor(r => r.metrics().find(metric => metric.name === 'events'))
      expect(counter).toMatchObject({ kind: 'sum', unit: '{event}', description: 'Events seen' })
      expect(counter.points).toEqual([{ attributes: { source: 'web' }, value: 3 }])
      const histogram = await receiver.waitFor(r => r.metrics().find(metric => metric.name === 'duration'))
      expect(histogram.points[0]).toMatchObject({ count: 1, sum: 12 })
      expect(histogram.points[0]!.bucketCounts!.reduce((total, count) => total + count)).toBe(1)
    })
  },
)

describe('the receiver', () => {
  const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
    fetch(receiver.url + path, { method: 'POST', body, headers })

  it('answers 400 to a cut-off message and keeps nothing of it', async () => {
    const cutOff = Uint8Array.from([0x0a, 0x20, 0x01])
    const response = await post('/v1/traces', cutOff, { 'content-type': 'application/x-protobuf' })
    expect(response.status).toBe(400)
    expect(receiver.exports()).toEqual([])
  })

  it('answers 404 elsewhere and 415 to types it cannot read', async () => {
    expect((await post('/v1/logs', '{}', { 'content-type': 'application/json' })).status).toBe(404)
    expect((await post('/v1/traces', 'x', { 'content-type': 'text/plain' })).status).toBe(415)
  })

  it('refuses exports on request and takes them again afterwards', async () => {
    const body = new Uint8Array(gzipSync('{"resourceSpans":[]}'))
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    receiver.refuse(503)
    expect((await post('/v1/traces', body, headers)).status).toBe(503)
    receiver.refuse(undefined)
    expect((await post('/v1/traces', body, headers)).status).toBe(200)
  })

  it('says what did arrive when a wait ends in vain', async () => {
    await expect(receiver.waitFor(() => false, 10)).rejects.toThrow('0 exports came, spans: none')
  })
})
