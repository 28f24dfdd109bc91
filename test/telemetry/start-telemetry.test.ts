import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startNodeScript } from '../support/child-process.ts'
import { OtlpReceiver } from '../support/otlp/receiver.ts'

/** Starts and stops telemetry in a process of its own, with one span and a registry. */
async function run(env: Record<string, string>, config: object = {}) {
  const program = startNodeScript({
    script: join(import.meta.dirname, 'loaded-packages.ts'),
    args: [JSON.stringify({ traces: 'auto', sampleRatio: 1, metrics: true, ...config })],
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: undefined, OTEL_TRACES_EXPORTER: undefined, ...env },
  })
  expect(await program.exited, program.lines.join('\n')).toEqual({ code: 0, signal: null })
  return JSON.parse(program.stdout.at(-1)!) as { enabled: boolean; packages: string[] }
}

describe('without tracing', () => {
  it.each([
    ['no endpoint', {}, {}],
    ['traces: off', { OTEL_TRACES_SAMPLER: 'always_on' }, { traces: 'off' }],
    ['OTEL_SDK_DISABLED', { OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }, { traces: 'on' }],
  ])('%s: no OpenTelemetry package is loaded', async (_name, env, config) => {
    expect(await run(env as Record<string, string>, config)).toEqual({ enabled: false, packages: [] })
  }) // prettier-ignore
})

describe('with an endpoint', () => {
  it('spans and metrics of the same process arrive there, and the process ends by itself', async () => {
    const receiver = await OtlpReceiver.start()
    const { enabled, packages } = await run({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url })
    expect(enabled).toBe(true)
    expect(packages).toContain('sdk-node')
    expect(receiver.spans().map(({ name }) => name)).toEqual(['receive a'])
    const metrics = new Map(receiver.metrics().map(metric => [metric.name, metric]))
    expect(metrics.get('events')).toMatchObject({
      kind: 'sum',
      unit: '{event}',
      description: 'Events seen',
      points: [{ attributes: { source: 'web' }, value: 3 }],
    })
    expect(metrics.get('duration')!.points[0]).toMatchObject({ count: 2, sum: 12.5 })
    expect(metrics.get('duration')!.points[0]!.bucketCounts!.reduce((total, count) => total + count)).toBe(2)
    expect(metrics.get('process.memory.usage')!.points[0]!.value).toBeGreaterThan(1e6)
    expect(metrics.get('sluice.spans.dropped')!.points).toEqual([{ attributes: {}, value: 0 }])
    expect(metrics.get('events')!.resource['service.instance.id']).toBe(receiver.spans()[0]!.resource['service.instance.id']) // prettier-ignore
    await receiver.stop()
  })
})
