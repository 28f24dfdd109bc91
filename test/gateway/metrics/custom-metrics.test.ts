import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CustomMetrics } from '../../../src/gateway/metrics/custom-metrics.ts'
import { MetricsRegistry } from '../../../src/telemetry/metrics-registry.ts'
import type { CustomMetricChange } from '../../../src/workers/custom-metric.ts'
import { parsePrometheusText, type Family } from '../../telemetry/prometheus-text.ts'

const counted = (name: string, value: number, id?: string): CustomMetricChange => ({
  kind: 'counter',
  name,
  labels: id === undefined ? [] : [['id', id]],
  value,
})

async function shown(metrics: CustomMetrics): Promise<Map<string, Family>> {
  const registry = new MetricsRegistry()
  metrics.register(registry)
  return parsePrometheusText((await registry.collect()).body)
}

const sumOf = (family: Family | undefined): number => (family?.samples ?? []).reduce((sum, { value }) => sum + value, 0)
const always = () => true

describe('metrics of functions', () => {
  it('are added up over what workers tell, one series by function and labels', async () => {
    const metrics = new CustomMetrics(always)
    metrics.changed('price', [counted('orders', 2, 'a'), counted('orders', 1)])
    metrics.changed('price', [counted('orders', 3, 'a')])
    metrics.changed('stock', [counted('orders', 5)])
    metrics.changed('price', [{ kind: 'gauge', name: 'open', labels: [], value: 4 }])
    metrics.changed('price', [{ kind: 'gauge', name: 'open', labels: [], value: 2 }])
    const families = await shown(metrics)
    expect(families.get('sluice_custom_orders_total')!.samples.map(({ labels, value }) => ({ ...labels, value }))).toEqual([
      { function: 'price', id: 'a', value: 5 },
      { function: 'price', value: 1 },
      { function: 'stock', value: 5 },
    ]) // prettier-ignore
    expect(families.get('sluice_custom_open')!.samples).toEqual([
      { name: 'sluice_custom_open', labels: { function: 'price' }, value: 2 },
    ])
  })

  it('never have more series than the bounds say, and counters lose nothing to them', async () => {
    const change = fc.tuple(
      fc.constantFrom('price', 'stock', 'mail'),
      fc.constantFrom('orders', 'mails', 'errors'),
      fc.integer({ min: 0, max: 30 }),
      fc.integer({ min: 0, max: 9 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 200 }), async changes => {
        const metrics = new CustomMetrics(always, { maxSeries: 5, maxSeriesInAll: 8 })
        let total = 0
        for (const [of, name, id, value] of changes) {
          metrics.changed(of, [counted(name, value, String(id))])
          total += value
        }
        const custom = [...(await shown(metrics))].filter(([name]) => name.startsWith('sluice_custom_'))
        const series = custom.flatMap(([, { samples }]) => samples)
        const apart = series.filter(({ labels }) => labels['otel_metric_overflow'] === undefined)
        expect(apart.length).toBeLessThanOrEqual(8)
        // And one for what is beyond, of each function and name.
        expect(series.length - apart.length).toBeLessThanOrEqual(9)
        expect(custom.reduce((sum, [, family]) => sum + sumOf(family), 0)).toBe(total)
      }),
      { numRuns: 50 },
    )
  })

  it('say how much was not kept apart, and why', async () => {
    const metrics = new CustomMetrics(always, { maxSeries: 2, maxNames: 2 })
    for (let id = 0; id < 10; id++) metrics.changed('price', [counted('orders', 1, String(id))])
    for (let name = 0; name < 4; name++) metrics.changed('stock', [counted(`metric_${name}`, 1)])
    metrics.changed('mail', [{ kind: 'gauge', name: 'orders', labels: [], value: 1 }], 3)
    const families = await shown(metrics)
    const dropped = families.get('sluice_function_metrics_dropped_total')!.samples.filter(({ value }) => value > 0)
    expect(dropped.map(({ labels, value }) => [labels['function'], labels['reason'], value])).toEqual([
      ['price', 'series', 8],
      ['stock', 'names', 2],
      ['mail', 'worker', 3],
      ['mail', 'kind', 1],
    ])
    const overflow = families.get('sluice_custom_orders_total')!.samples.find(({ labels }) => 'otel_metric_overflow' in labels) // prettier-ignore
    expect(overflow).toMatchObject({ labels: { function: 'price', otel_metric_overflow: 'true' }, value: 8 })
  })

  it('go with their function, and leave their name and their room to others', async () => {
    const functions = new Set(['price', 'stock'])
    const metrics = new CustomMetrics(name => functions.has(name), { maxSeriesInAll: 1 })
    metrics.changed('price', [counted('orders', 1)])
    functions.delete('price')
    const families = await shown(metrics)
    expect([...families.keys()].filter(name => !name.startsWith('sluice_metrics'))).toEqual([])
    // A worker that ends late.
    metrics.changed('price', [counted('orders', 1)])
    expect((await shown(metrics)).has('sluice_custom_orders_total')).toBe(false)
    metrics.changed('stock', [{ kind: 'gauge', name: 'orders', labels: [], value: 7 }])
    expect((await shown(metrics)).get('sluice_custom_orders')!.samples).toMatchObject([{ value: 7 }])
  })

  it('have buckets when they are recorded', async () => {
    const metrics = new CustomMetrics(always)
    const counts = Array.from({ length: 26 }, (_, bucket) => (bucket === 3 ? 2 : 0))
    metrics.changed('price', [{ kind: 'histogram', name: 'size', labels: [], value: 0.018, counts }])
    const { samples, type } = (await shown(metrics)).get('sluice_custom_size')!
    expect(type).toBe('histogram')
    expect(samples.find(({ labels }) => labels['le'] === '0.01')).toMatchObject({ value: 2 })
    expect(samples.find(({ name }) => name.endsWith('_sum'))).toMatchObject({ value: 0.018 })
  })
})
