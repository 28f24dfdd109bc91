import type { Field, FieldType, Schema } from './wire.ts'

/**
 * What we read of opentelemetry-proto 1.x (collector/trace, collector/metrics, common, resource), field by field with
 * the numbers of the .proto files and the names of their JSON encoding.
 */
const one = (name: string, type: FieldType): Field => ({ name, type })
const many = (name: string, type: FieldType): Field => ({ name, type, repeated: true })

const arrayValue: Schema = () => ({ 1: many('values', anyValue) })
const keyValueList: Schema = () => ({ 1: many('values', keyValue) })
const anyValue: Schema = () => ({
  1: one('stringValue', 'string'),
  2: one('boolValue', 'bool'),
  3: one('intValue', 'int64'),
  4: one('doubleValue', 'double'),
  5: one('arrayValue', arrayValue),
  6: one('kvlistValue', keyValueList),
  7: one('bytesValue', 'bytes'),
})
const keyValue: Schema = () => ({ 1: one('key', 'string'), 2: one('value', anyValue) })
const resource: Schema = () => ({ 1: many('attributes', keyValue) })
const scope: Schema = () => ({ 1: one('name', 'string'), 2: one('version', 'string') })

const event: Schema = () => ({
  1: one('timeUnixNano', 'fixed64'),
  2: one('name', 'string'),
  3: many('attributes', keyValue),
})
const link: Schema = () => ({
  1: one('traceId', 'id'),
  2: one('spanId', 'id'),
  3: one('traceState', 'string'),
  4: many('attributes', keyValue),
})
const status: Schema = () => ({ 2: one('message', 'string'), 3: one('code', 'uint32') })
const span: Schema = () => ({
  1: one('traceId', 'id'),
  2: one('spanId', 'id'),
  3: one('traceState', 'string'),
  4: one('parentSpanId', 'id'),
  5: one('name', 'string'),
  6: one('kind', 'uint32'),
  7: one('startTimeUnixNano', 'fixed64'),
  8: one('endTimeUnixNano', 'fixed64'),
  9: many('attributes', keyValue),
  11: many('events', event),
  13: many('links', link),
  15: one('status', status),
})
const scopeSpans: Schema = () => ({ 1: one('scope', scope), 2: many('spans', span) })
const resourceSpans: Schema = () => ({ 1: one('resource', resource), 2: many('scopeSpans', scopeSpans) })

/** `ExportTraceServiceRequest`. */
export const traceRequest: Schema = () => ({ 1: many('resourceSpans', resourceSpans) })

const numberPoint: Schema = () => ({
  3: one('timeUnixNano', 'fixed64'),
  4: one('asDouble', 'double'),
  6: one('asInt', 'sfixed64'),
  7: many('attributes', keyValue),
})
const histogramPoint: Schema = () => ({
  3: one('timeUnixNano', 'fixed64'),
  4: one('count', 'fixed64'),
  5: one('sum', 'double'),
  6: many('bucketCounts', 'fixed64'),
  7: many('explicitBounds', 'double'),
  9: many('attributes', keyValue),
})
const gauge: Schema = () => ({ 1: many('dataPoints', numberPoint) })
const sum: Schema = () => ({
  1: many('dataPoints', numberPoint),
  2: one('aggregationTemporality', 'uint32'),
  3: one('isMonotonic', 'bool'),
})
const histogram: Schema = () => ({ 1: many('dataPoints', histogramPoint), 2: one('aggregationTemporality', 'uint32') })
const metric: Schema = () => ({
  1: one('name', 'string'),
  2: one('description', 'string'),
  3: one('unit', 'string'),
  5: one('gauge', gauge),
  7: one('sum', sum),
  9: one('histogram', histogram),
})
const scopeMetrics: Schema = () => ({ 1: one('scope', scope), 2: many('metrics', metric) })
const resourceMetrics: Schema = () => ({ 1: one('resource', resource), 2: many('scopeMetrics', scopeMetrics) })

/** `ExportMetricsServiceRequest`. */
export const metricsRequest: Schema = () => ({ 1: many('resourceMetrics', resourceMetrics) })
