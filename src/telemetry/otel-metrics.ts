import { type HrTime, ValueType } from '@opentelemetry/api'
import { emptyResource } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics'
import type { HistogramSnapshot } from './histogram.ts'
import type { InstrumentReading, Labels } from './metric-reading.ts'
import type { MetricsRegistry } from './metrics-registry.ts'

const scope = { name: 'sluice' }
const startTime = hrTimeOf(performance.timeOrigin)

/** The readings of the registry for the readers of the OpenTelemetry SDK. */
export function metricProducerOf(registry: MetricsRegistry): MetricProducer {
  return {
    async collect(): Promise<CollectionResult> {
      const metrics = toMetricData((await registry.read()).filter(({ series }) => series.length > 0))
      // The reader puts its own resource in place of this one.
      return { resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope, metrics }] }, errors: [] }
    },
  }
}

/** Always cumulative, since the start of the process. */
function toMetricData(readings: readonly InstrumentReading[]): MetricData[] {
  const endTime = hrTimeOf(Date.now())
  const points = <From, To>(
    series: readonly (readonly [Labels, From])[],
    convert: (value: From) => To,
  ): DataPoint<To>[] => series.map(([attributes, value]) => ({ startTime, endTime, attributes, value: convert(value) }))
  return readings.map(reading => {
    const { name, help, unit = '' } = reading
    const descriptor = { name, description: help, unit, valueType: ValueType.DOUBLE }
    const aggregationTemporality = AggregationTemporality.CUMULATIVE
    const common = { descriptor, aggregationTemporality }
    if (reading.kind === 'histogram')
      return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints: points(reading.series, toHistogram) }
    const dataPoints = points(reading.series, value => value)
    return reading.kind === 'counter'
      ? { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
      : { ...common, dataPointType: DataPointType.GAUGE, dataPoints }
  })
}

function toHistogram({ bounds, counts, count, sum, max }: HistogramSnapshot): Histogram {
  return { buckets: { boundaries: [...bounds], counts: [...counts] }, count, sum, ...(count > 0 ? { max } : undefined) }
}

function hrTimeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.floor((ms - seconds * 1000) * 1e6)]
}
