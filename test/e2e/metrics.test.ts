import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TriggerView } from '../../src/api/views/trigger-view.ts'
import { describeMetrics } from '../../scripts/metrics-reference.ts'
import { prometheusName } from '../../src/telemetry/metric-name.ts'
import { allQueries } from '../deploy/monitoring-queries.ts'
import { namesIn } from '../deploy/promql.ts'
import { OtlpReceiver } from '../support/otlp/receiver.ts'
import { startGateway, type GatewayProcess } from './gateway-process.ts'
import { MetricsPage } from './metrics-page.ts'
import { requestJson } from './request-json.ts'
import { hooksSource } from './webhook-gateway.ts'

let gateway: GatewayProcess
let collector: OtlpReceiver

const code = `export default async event => {
  if (event.data.fail) throw new Error('no')
  return { seen: event.data.id }
}`

beforeEach(async () => {
  collector = await OtlpReceiver.start()
  gateway = await startGateway({
    env: { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${collector.url}/v1/metrics`, OTEL_METRIC_EXPORT_INTERVAL: '500' },
    config: { sources: { hooks: hooksSource }, streams: { hooks: { partitions: 3 } } },
  })
  await gateway.ready()
})

afterEach(async () => {
  await gateway.dispose()
  await collector.stop()
})

async function put(path: string, body: unknown): Promise<void> {
  const answer = await requestJson(gateway.url, 'PUT', path, body)
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
}

async function deploy(): Promise<void> {
  await put('/v1/functions/price', { definition: {}, code: { module: code } })
  const retry = { maxAttempts: 2, initialDelayMs: 10 }
  await put('/v1/triggers/prices', { stream: 'hooks', function: 'price', start: 'earliest', retry })
}

async function send(from: number, to: number, more: object = {}): Promise<void> {
  for (let index = from; index < to; index++) {
    const event = { id: `e-${index}`, key: `k-${index % 5}`, ...more }
    expect((await gateway.post('/hooks', event)).status).toBe(202)
  }
}

/** Resolves when so many events are complete, and what is known of the ends of the stream is newer than they are. */
const untilDone = (events: number): Promise<unknown> =>
  gateway.until('done', async () => {
    const { succeeded, deadLetters, partitions } = await gateway.get<TriggerView>('/v1/triggers/prices')
    const ends = partitions.reduce((sum, { end }) => sum + (end ?? 0), 0)
    return succeeded + deadLetters === events && ends === events
  })

const page = (): Promise<MetricsPage> => MetricsPage.of(gateway)

describe('/metrics of a gateway that has run events', () => {
  it('says what came in, how long it took, what failed, and how far each trigger is', async () => {
    await deploy()
    await send(0, 10)
    await send(10, 11, { fail: true })
    expect((await gateway.post('/hooks', 'no json')).status).toBe(400)
    await untilDone(11)
    const trigger = { trigger: 'prices', stream: 'hooks', function: 'price' }
    const metrics = await gateway.until('seen', async () => {
      const now = await page()
      const { partitions } = await gateway.get<TriggerView>('/v1/triggers/prices')
      const isRead = partitions.every(
        ({ partition, end }) =>
          now.value('sluice_end_offset', { stream: 'hooks', partition: String(partition) }) === end,
      )
      return isRead && now.value('sluice_trigger_lag', trigger) === 0 && now
    })
    const version = { function: 'price', version: 'latest' }
    const source = { source: 'hooks', kind: 'http' }
    expect(metrics.value('sluice_source_accepted_total', source)).toBe(11)
    expect(metrics.value('sluice_source_refused_total', source)).toBe(1)
    expect(metrics.value('sluice_events_received_total', trigger)).toBe(11)
    expect(metrics.value('sluice_events_succeeded_total', trigger)).toBe(10)
    expect(metrics.value('sluice_attempts_failed_total', trigger)).toBe(2)
    expect(metrics.value('sluice_attempts_retried_total', trigger)).toBe(1)
    expect(metrics.value('sluice_dead_letters_total', trigger)).toBe(1)
    expect(metrics.value('sluice_dead_letters_stored', { trigger: 'prices' })).toBe(1)
    expect(metrics.value('sluice_parked_keys', trigger)).toBe(0)
    expect(metrics.value('sluice_trigger_oldest_age_seconds', trigger)).toBe(0)
    expect(metrics.value('sluice_event_duration_seconds_count', { trigger: 'prices' })).toBe(11)
    expect(metrics.value('sluice_invocations_total', { ...version, outcome: 'succeeded' })).toBe(10)
    expect(metrics.value('sluice_invocations_total', { ...version, outcome: 'failed' })).toBe(2)
    expect(metrics.value('sluice_invocation_duration_seconds_count', version)).toBe(12)
    expect(metrics.value('sluice_queue_delay_seconds_count', version)).toBe(12)
    expect(metrics.value('sluice_workers', version)).toBeGreaterThanOrEqual(1)
    expect(metrics.value('sluice_workers_utilization_ratio', version)).toBe(0)
    expect(metrics.value('sluice_cold_starts_total', version)).toBeGreaterThanOrEqual(1)
    expect(metrics.value('sluice_pool_quarantined', version)).toBe(0)
    expect(metrics.value('sluice_log_appended_total', { stream: 'hooks' })).toBe(11)
    expect(metrics.value('sluice_log_size_bytes', { stream: 'hooks' })).toBeGreaterThan(0)
    expect(metrics.value('sluice_log_quota_bytes', { stream: 'hooks' })).toBeGreaterThan(0)
    expect(metrics.value('sluice_log_sync_duration_seconds_count', { stream: 'hooks' })).toBeGreaterThanOrEqual(2)
    expect(metrics.value('sluice_disk_free_bytes')).toBeGreaterThan(metrics.value('sluice_disk_reserve_bytes')!)
    expect(metrics.value('nodejs_eventloop_delay_p99_seconds')).toBeGreaterThan(0)
    expect(metrics.value('sluice_metrics_read_failures_total')).toBe(0)
    expect(metrics.value('sluice_metrics_series_left_out_total')).toBe(0)
    const { partitions } = await gateway.get<TriggerView>('/v1/triggers/prices')
    expect(partitions).toHaveLength(3)
    for (const { partition, end } of partitions) {
      const place = { partition: String(partition) }
      expect(metrics.value('sluice_end_offset', { stream: 'hooks', ...place })).toBe(end)
      expect(metrics.value('sluice_lag', { trigger: 'prices', ...place })).toBe(0)
    }
    await gateway.until('committed', async () => {
      const now = await page()
      return partitions.every(
        ({ partition, end }) =>
          now.value('sluice_committed_offset', { trigger: 'prices', partition: String(partition) }) === end,
      )
    })
  })

  it('shows what waits behind a pause, since when, and that it is paused', async () => {
    await deploy()
    expect((await gateway.post('/v1/triggers/prices/pause', { reason: 'test' })).status).toBe(200)
    const before = Date.now()
    await send(0, 4)
    const trigger = { trigger: 'prices' }
    const metrics = await gateway.until('seen', async () => {
      const now = await page()
      return now.value('sluice_trigger_lag', trigger) === 4 && now
    })
    expect(metrics.value('sluice_lag', trigger)).toBe(4)
    expect(metrics.value('sluice_trigger_paused', trigger)).toBe(1)
    expect(metrics.value('sluice_trigger_blocked', trigger)).toBe(0)
    expect(metrics.value('sluice_pauses', { kind: 'trigger' })).toBe(1)
    const age = metrics.value('sluice_trigger_oldest_age_seconds', trigger)
    expect(age).toBeGreaterThan(0)
    expect(age).toBeLessThanOrEqual((Date.now() - before) / 1000)
    expect(metrics.value('sluice_pause_age_seconds', { kind: 'trigger' })).toBeGreaterThanOrEqual(age!)
  })

  it('has no series of a trigger and a function that are deleted', async () => {
    await deploy()
    await send(0, 2)
    await untilDone(2)
    expect((await page()).naming('prices')).toContain('sluice_lag')
    expect((await page()).naming('price')).toContain('sluice_workers')
    for (const path of ['/v1/triggers/prices', '/v1/functions/price'])
      expect((await requestJson(gateway.url, 'DELETE', path)).status).toBeLessThan(300)
    await gateway.until('gone', async () => {
      const metrics = await page()
      return metrics.naming('prices').length + metrics.naming('price').length === 0
    })
  })

  it('counts synchronous calls that are refused', async () => {
    await deploy()
    expect((await gateway.post('/v1/functions/price/disable', {})).status).toBe(200)
    const path = '/v1/functions/price/invocations'
    expect((await gateway.post(path, { id: 'a' })).status).toBe(409)
    expect((await page()).value('sluice_invocations_refused_total', { function: 'price', reason: 'disabled' })).toBe(1)
  })
})

describe('the metrics that documentation, dashboard and alerts name', () => {
  const busy = `export default (event, { metrics }) => void metrics.count('orders')`

  it('are those of a running gateway, with the labels that it gives them', async () => {
    const definition = { limits: { maxConcurrency: 5 } }
    await put('/v1/functions/price', { definition, code: { module: busy } })
    await put('/v1/triggers/prices', { stream: 'hooks', function: 'price', start: 'earliest', breaker: {} })
    await send(0, 3)
    expect((await gateway.post('/hooks', 'no json')).status).toBe(400)
    await untilDone(3)
    expect((await gateway.post('/v1/triggers/prices/pause', { reason: 'test' })).status).toBe(200)
    expect((await gateway.post('/v1/functions/price/disable', {})).status).toBe(200)
    expect((await gateway.post('/v1/functions/price/invocations', {})).status).toBe(409)
    const described = new Map((await describeMetrics()).map(metric => [metric.name, metric]))
    // The controller has to have looked once.
    const { families } = await gateway.until('sampled', async () => {
      const now = await page()
      return now.families.has('sluice_events_waiting') && now.families.has('sluice_wanted_nodes') && now
    })
    for (const [name, { type, samples }] of families) {
      if (name.startsWith('sluice_custom_')) continue
      expect(described.get(name)?.kind, name).toBe(type)
      const labels = new Set(samples.flatMap(sample => Object.keys(sample.labels)))
      labels.delete('le')
      expect(described.get(name)?.labels, name).toEqual(expect.arrayContaining([...labels]))
    }
    // Only there while a trigger is blocked, or the embedded broker has refused something.
    const seldom = ['sluice_trigger_problem', 'sluice_mqtt_refused_total']
    expect([...described.keys()].filter(name => !families.has(name)).sort()).toEqual(seldom.sort())
    for (const [where, query] of allQueries())
      for (const { metric } of namesIn(query).selectors) {
        const family = metric.replace(/_(bucket|sum|count)$/, '')
        const isThere = families.has(metric) || families.get(family)?.type === 'histogram'
        expect(isThere || metric === 'up' || seldom.includes(metric), `${where}: ${metric}`).toBe(true)
      }
  })
})

describe('an OTLP receiver', () => {
  it('gets the same metrics as /metrics has, with the same values', async () => {
    await deploy()
    await send(0, 6)
    await untilDone(6)
    const metrics = await page()
    const received = await collector.waitFor(each => {
      const all = new Map(each.metrics().map(metric => [metric.name, metric]))
      const done = all.get('sluice.events.succeeded')?.points[0]?.value === 6
      return done && all.has('sluice.build_info') && all
    })
    const names = [...received.values()].map(({ name, unit, kind }) =>
      prometheusName(name, unit, kind === 'sum' ? 'counter' : kind),
    )
    expect(new Set([...metrics.families.keys()].filter(name => !names.includes(name)))).toEqual(new Set())
    expect(received.get('sluice.events.received')).toMatchObject({
      kind: 'sum',
      unit: '{event}',
      points: [{ attributes: { trigger: 'prices', stream: 'hooks', function: 'price' }, value: 6 }],
    })
    const line = gateway.process.stdout.find(each => each.startsWith('{'))
    const { resource } = JSON.parse(line!) as { resource: Record<string, unknown> }
    expect(resource['service.instance.id']).toBeTypeOf('string')
    expect(received.get('sluice.events.received')!.resource).toMatchObject(resource)
    const durations = received.get('sluice.invocation.duration')!
    expect(durations).toMatchObject({ kind: 'histogram', unit: 's' })
    expect(durations.points[0]).toMatchObject({ attributes: { function: 'price', version: 'latest' }, count: 6 })
    expect(durations.points[0]!.explicitBounds).toEqual(
      metrics.families.get('sluice_invocation_duration_seconds')!.samples.flatMap(({ labels: { le } }) => (le === undefined || le === '+Inf' ? [] : [Number(le)])), // prettier-ignore
    )
  })
})

describe('what a function measures itself', () => {
  const measuring = `export default (event, { metrics }) => {
    metrics.count('orders', 1, { shop: event.data.key })
    metrics.count('visits', 1, { id: event.data.id })
    metrics.gauge('open', 3)
    metrics.record('amount', 12.5)
    return null
  }`

  it('is on /metrics and at the OTLP receiver, bounded whatever its labels are, until the function is deleted', async () => {
    await put('/v1/functions/price', { definition: {}, code: { module: measuring } })
    await put('/v1/triggers/prices', { stream: 'hooks', function: 'price', start: 'earliest' })
    const events = 700
    for (let from = 0; from < events; from += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          gateway.post('/hooks', { id: `e-${from + index}`, key: `k-${index % 5}` }),
        ),
      )
    await untilDone(events)
    const metrics = await page()
    const own = { function: 'price' }
    expect(metrics.value('sluice_custom_orders_total', own)).toBe(events)
    expect(metrics.value('sluice_custom_visits_total', own)).toBe(events)
    expect(metrics.value('sluice_custom_visits_total', { ...own, otel_metric_overflow: 'true' })).toBeGreaterThan(150)
    expect(metrics.families.get('sluice_custom_visits_total')!.samples.length).toBeLessThanOrEqual(501)
    expect(metrics.value('sluice_function_metrics_dropped_total', { ...own, reason: 'series' })).toBeGreaterThan(150)
    expect(metrics.value('sluice_custom_open', own)).toBe(3)
    expect(metrics.value('sluice_custom_amount_bucket', { ...own, le: '10' })).toBe(0)
    expect(metrics.value('sluice_custom_amount_bucket', { ...own, le: '20' })).toBe(events)
    const exported = await collector.waitFor(each =>
      each.metrics().findLast(({ name, points }) => name === 'sluice.custom.amount' && points[0]?.count === events),
    )
    expect(exported).toMatchObject({ kind: 'histogram', points: [{ attributes: own, sum: 12.5 * events }] })
    for (const path of ['/v1/triggers/prices', '/v1/functions/price'])
      expect((await requestJson(gateway.url, 'DELETE', path)).status).toBeLessThan(300)
    await gateway.until('gone', async () => (await page()).naming('price').length === 0)
  })
})
