import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { Histogram, inSeconds } from '../../src/telemetry/histogram.ts'
import { prometheusName } from '../../src/telemetry/metric-name.ts'
import { prometheusFamily } from '../../src/telemetry/prometheus-text.ts'
import { parsePrometheusText } from './prometheus-text.ts'

const family = (type: string, ...lines: string[]) => `# HELP a b\n# TYPE a ${type}\n${lines.join('\n')}\n`

describe('the parser that the tests judge /metrics with', () => {
  it.each([
    ['no line feed at the end', 'a 1'],
    ['a sample without a type', 'a 1\n'],
    ['a type without help', '# TYPE a gauge\na 1\n'],
    ['help without a type', '# HELP a b\na 1\n'],
    ['an unknown type', family('stateset', 'a 1')],
    ['a counter that is not called one', family('counter', 'a 1')],
    ['a family without a series', family('gauge').trimEnd() + '\n'],
    ['a family in two pieces', family('gauge', 'a 1') + family('gauge', 'a{x="1"} 1')],
    ['a sample of another family', family('gauge', 'b 1')],
    ['a series twice, its labels in another order', family('gauge', 'a{x="1",y="2"} 1', 'a{y="2",x="1"} 1')],
    ['a label twice', family('gauge', 'a{x="1",x="2"} 1')],
    ['a label of Prometheus itself', family('gauge', 'a{__name__="1"} 1')],
    ['a label without quotes', family('gauge', 'a{x=1} 1')],
    ['a label that is not closed', family('gauge', 'a{x="1" 1')],
    ['a comma at the end', family('gauge', 'a{x="1",} 1')],
    ['an unknown escape', family('gauge', String.raw`a{x="\t"} 1`)],
    ['a number of JavaScript', family('gauge', 'a 0x10')],
    ['Infinity', family('gauge', 'a Infinity')],
    ['an empty line', family('gauge', 'a 1', '')],
    ['le without a histogram', family('gauge', 'a{le="1"} 1')],
    ['a histogram without +Inf', family('histogram', 'a_bucket{le="1"} 1', 'a_sum 1', 'a_count 1')],
    ['a histogram without a sum', family('histogram', 'a_bucket{le="+Inf"} 1', 'a_count 1')],
    ['a count that is not the last bucket', family('histogram', 'a_bucket{le="+Inf"} 1', 'a_sum 1', 'a_count 2')],
    ['buckets that shrink', family('histogram', 'a_bucket{le="1"} 2', 'a_bucket{le="+Inf"} 1', 'a_sum 1', 'a_count 1')],
    ['bounds that do not grow', family('histogram', 'a_bucket{le="2"} 1', 'a_bucket{le="1"} 1', 'a_bucket{le="+Inf"} 1', 'a_sum 1', 'a_count 1')],
  ])('refuses %s', (_what, text) => {
    expect(() => parsePrometheusText(text)).toThrow()
  }) // prettier-ignore

  it('reads what is right', () => {
    const text =
      '# HELP a_total b\n# TYPE a_total counter\na_total{x="\\"\\\\\\n"} 1e3\n' +
      '# HELP h b\n# TYPE h histogram\nh_bucket{le="1"} 0\nh_bucket{le="+Inf"} 2\nh_sum 7.5\nh_count 2\n'
    const families = parsePrometheusText(text)
    expect(families.get('a_total')?.samples).toEqual([{ name: 'a_total', labels: { x: '"\\\n' }, value: 1000 }])
    expect(families.get('h')?.samples).toHaveLength(4)
  })
})

describe('what is written', () => {
  it('is read back as it was, whatever labels, help and numbers are', () => {
    const text = fc.string({ unit: 'grapheme' }).map(value => value.replaceAll('\r', ''))
    const series = fc.uniqueArray(
      fc.tuple(
        text,
        fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => value + 0),
      ),
      {
        selector: ([label]) => label,
        minLength: 1,
      },
    )
    fc.assert(
      fc.property(text.filter(help => help !== ''), series, (help, values) => {
        const reading = {
          name: 'a.b',
          help,
          kind: 'gauge',
          series: values.map(([label, value]) => [{ 'x.y': label }, value] as const),
        } as const
        const read = parsePrometheusText(prometheusFamily(reading)).get('a_b')!
        expect(read.help).toBe(help)
        expect(read.samples).toEqual(values.map(([label, value]) => ({ name: 'a_b', labels: { x_y: label }, value })))
      }),
    ) // prettier-ignore
  })

  it('has histograms whose buckets add up', () => {
    const durations = fc.array(fc.double({ min: 0, max: 1e7, noNaN: true }), { minLength: 1 })
    fc.assert(
      fc.property(durations, values => {
        const histogram = new Histogram()
        for (const value of values) histogram.record(value)
        const series = [[{ a: '1' }, inSeconds(histogram.snapshot())]] as const
        const text = prometheusFamily({ name: 'd', help: 'x', unit: 's', kind: 'histogram', series })
        const samples = parsePrometheusText(text).get('d_seconds')!.samples
        const below = samples.find(({ labels }) => labels['le'] === '0.0002')!.value
        expect(below).toBe(values.filter(value => value <= 0.2).length)
      }),
    )
  })
})

describe('the name of a metric in Prometheus', () => {
  it.each([
    ['sluice.event.duration', 's', 'histogram', 'sluice_event_duration_seconds'],
    ['process.cpu.time', 's', 'counter', 'process_cpu_time_seconds_total'],
    ['sluice.log.size', 'By', 'gauge', 'sluice_log_size_bytes'],
    ['sluice.workers.utilization', '1', 'gauge', 'sluice_workers_utilization_ratio'],
    ['sluice.events.received', '{event}', 'counter', 'sluice_events_received_total'],
    ['sluice.idle.seconds', 's', 'gauge', 'sluice_idle_seconds'],
    ['sluice.build_info', '', 'gauge', 'sluice_build_info'],
  ] as const)('%s in %j as a %s is %s', (name, unit, kind, expected) => {
    expect(prometheusName(name, unit, kind)).toBe(expected)
  })
})
