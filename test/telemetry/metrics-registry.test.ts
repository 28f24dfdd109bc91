import { describe, expect, it } from 'vitest'
import { Histogram } from '../../src/telemetry/histogram.ts'
import { MetricsRegistry } from '../../src/telemetry/metrics-registry.ts'
import { registerProcessMetrics } from '../../src/telemetry/process-metrics.ts'
import { parsePrometheusText } from './prometheus-text.ts'

describe('Prometheus text', () => {
  it('has every series with help and type, labels escaped', async () => {
    const registry = new MetricsRegistry()
    registry.counter({ name: 'sluice_events_received', help: 'Events\nthat came' }, () => [
      [{ trigger: 'a"b\\c\nd', stream: 'events' }, 7],
      [{ trigger: 'other', stream: 'events' }, 0],
    ])
    registry.gauge({ name: 'sluice_workers', help: 'Workers' }, () => [[{}, 2.5]])
    registry.gauge({ name: 'sluice_nothing', help: 'Nothing yet' }, () => [])
    const histogram = new Histogram([1, 10])
    for (const value of [0.5, 1, 5, 50]) histogram.record(value)
    registry.histogram({ name: 'sluice.duration', help: 'Duration', unit: 'ms' }, () => [
      [{ trigger: 'a' }, histogram.snapshot()],
    ])
    const { contentType, body } = await registry.collect()
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    const families = parsePrometheusText(body)
    expect(families.get('sluice_events_received_total')).toEqual({
      type: 'counter',
      help: 'Events\nthat came',
      samples: [
        { name: 'sluice_events_received_total', labels: { trigger: 'a"b\\c\nd', stream: 'events' }, value: 7 },
        { name: 'sluice_events_received_total', labels: { trigger: 'other', stream: 'events' }, value: 0 },
      ],
    })
    expect(families.get('sluice_workers')).toMatchObject({ type: 'gauge', samples: [{ labels: {}, value: 2.5 }] })
    expect(families.has('sluice_nothing')).toBe(false)
    expect(families.get('sluice_duration_milliseconds')).toMatchObject({ type: 'histogram' })
    expect(families.get('sluice_duration_milliseconds')!.samples.map(({ name, labels, value }) => [name, labels['le'], value])).toEqual([
      ['sluice_duration_milliseconds_bucket', '1', 2],
      ['sluice_duration_milliseconds_bucket', '10', 3],
      ['sluice_duration_milliseconds_bucket', '+Inf', 4],
      ['sluice_duration_milliseconds_sum', undefined, 56.5],
      ['sluice_duration_milliseconds_count', undefined, 4],
    ]) // prettier-ignore
  })

  it('reads the numbers when it is asked for, each time anew', async () => {
    const registry = new MetricsRegistry()
    let events = 1
    registry.counter({ name: 'events', help: 'Events' }, () => [[{}, events]])
    const read = async () => parsePrometheusText((await registry.collect()).body).get('events_total')!.samples[0]!.value
    expect(await read()).toBe(1)
    events = 5
    expect(await read()).toBe(5)
  })

  it('tells of the process itself', async () => {
    const registry = new MetricsRegistry()
    const stop = registerProcessMetrics(registry, '1.2.3')
    const families = parsePrometheusText((await registry.collect()).body)
    stop()
    expect(families.get('process_memory_usage_bytes')!.samples[0]!.value).toBeGreaterThan(1e6)
    expect(families.get('process_cpu_time_seconds_total')!.samples.map(({ labels }) => labels['cpu_mode'])).toEqual([
      'user',
      'system',
    ])
    expect(families.get('process_uptime_seconds')!.samples[0]!.value).toBeGreaterThan(0)
    expect(families.get('sluice_build_info')!.samples[0]).toMatchObject({
      labels: { version: '1.2.3', node: process.versions.node },
      value: 1,
    })
  })
})

describe('an instrument that misbehaves', () => {
  const failuresOf = async (registry: MetricsRegistry) =>
    (await registry.read()).find(({ name }) => name === 'sluice.metrics.read.failures')!.series[0]![1]

  it('does not take the others with it: throwing, rejecting or hanging', async () => {
    const registry = new MetricsRegistry({ readTimeoutMs: 10 })
    registry.gauge({ name: 'throws', help: '' }, () => {
      throw new Error('no')
    })
    registry.gauge({ name: 'rejects', help: '' }, () => Promise.reject(new Error('no')))
    registry.gauge({ name: 'hangs', help: '' }, () => new Promise(() => {}))
    registry.gauge({ name: 'works', help: '' }, () => Promise.resolve([[{}, 1]]))
    const names = (await registry.read()).map(({ name }) => name)
    expect(names).toContain('works')
    expect(names).not.toEqual(expect.arrayContaining(['throws']))
    expect(names).not.toEqual(expect.arrayContaining(['hangs']))
    expect(await failuresOf(registry)).toBeGreaterThanOrEqual(3)
  })

  it('has a bounded number of series, none twice and none that is no number', async () => {
    const registry = new MetricsRegistry({ maxSeries: 3 })
    registry.counter({ name: 'many', help: '' }, function* () {
      yield [{ a: '1', b: '2' }, 1]
      yield [{ b: '2', a: '1' }, 2]
      yield [{ a: 'nan' }, Number.NaN]
      for (let index = 0; index < 10; index++) yield [{ id: String(index) }, 1]
    })
    const many = (await registry.read()).find(({ name }) => name === 'many')!
    expect(many.series).toEqual([
      [{ a: '1', b: '2' }, 1],
      [{ id: '0' }, 1],
      [{ id: '1' }, 1],
    ])
    const leftOut = (await registry.read()).find(({ name }) => name === 'sluice.metrics.series.left_out')!
    expect(leftOut.series[0]![1]).toBe(9)
  })

  it('may have more series than the others when it says so', async () => {
    const registry = new MetricsRegistry({ maxSeries: 1 })
    const series = [[{ id: '1' }, 1], [{ id: '2' }, 1], [{ id: '3' }, 1]] as const // prettier-ignore
    registry.gauge({ name: 'few', help: '' }, () => series)
    registry.gauge({ name: 'more', help: '', maxSeries: 2 }, () => series)
    const readings = new Map((await registry.read()).map(reading => [reading.name, reading]))
    expect(readings.get('few')!.series).toHaveLength(1)
    expect(readings.get('more')!.series).toHaveLength(2)
  })

  it('with a bad or taken name is a mistake that is named', () => {
    const registry = new MetricsRegistry()
    expect(() => registry.gauge({ name: 'With Blank', help: '' }, () => [])).toThrow('With Blank')
    registry.gauge({ name: 'a.b', help: '' }, () => [])
    expect(() => registry.gauge({ name: 'a_b', help: '' }, () => [])).toThrow('already')
  })
})
