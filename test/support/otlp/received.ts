import type { Message } from './wire.ts'

export type AttributeValue =
  string | number | boolean | bigint | AttributeValue[] | { [key: string]: AttributeValue } | null
export type Attributes = Record<string, AttributeValue>

export type SpanKind = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer'

export interface ReceivedSpan {
  traceId: string
  spanId: string
  /** Absent for the root of a trace. */
  parentSpanId?: string
  name: string
  kind: SpanKind
  startTimeUnixNano: bigint
  endTimeUnixNano: bigint
  attributes: Attributes
  events: { name: string; attributes: Attributes }[]
  links: { traceId: string; spanId: string; attributes: Attributes }[]
  status: { code: 'unset' | 'ok' | 'error'; message: string }
  /** Name of the instrumentation scope (of the tracer). */
  scope: string
  resource: Attributes
}

export interface MetricPoint {
  attributes: Attributes
  /** Of a gauge or sum. */
  value?: number
  /** Of a histogram. */
  count?: number
  sum?: number
  bucketCounts?: number[]
  explicitBounds?: number[]
}

export interface ReceivedMetric {
  name: string
  description: string
  unit: string
  kind: 'gauge' | 'sum' | 'histogram'
  points: MetricPoint[]
  scope: string
  resource: Attributes
}

const SPAN_KINDS: readonly SpanKind[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
const STATUS_CODES = ['unset', 'ok', 'error'] as const

/** The spans of an `ExportTraceServiceRequest` in its JSON shape. */
export function spansOf(request: Message): ReceivedSpan[] {
  return list(request, 'resourceSpans').flatMap(ofResource =>
    list(ofResource, 'scopeSpans').flatMap(ofScope =>
      list(ofScope, 'spans').map(span => toSpan(span, scopeName(ofScope), attributesOf(child(ofResource, 'resource')))),
    ),
  )
}

/** The metrics of an `ExportMetricsServiceRequest` in its JSON shape; kinds we never emit are left out. */
export function metricsOf(request: Message): ReceivedMetric[] {
  return list(request, 'resourceMetrics').flatMap(ofResource =>
    list(ofResource, 'scopeMetrics').flatMap(ofScope =>
      list(ofScope, 'metrics').flatMap(metric => {
        const kind = (['gauge', 'sum', 'histogram'] as const).find(each => each in metric)
        if (!kind) return []
        return {
          name: text(metric, 'name'),
          description: text(metric, 'description'),
          unit: text(metric, 'unit'),
          kind,
          points: list(child(metric, kind), 'dataPoints').map(kind === 'histogram' ? toHistogramPoint : toNumberPoint),
          scope: scopeName(ofScope),
          resource: attributesOf(child(ofResource, 'resource')),
        }
      }),
    ),
  )
}

function toSpan(span: Message, scope: string, resource: Attributes): ReceivedSpan {
  const parentSpanId = text(span, 'parentSpanId')
  const status = child(span, 'status')
  return {
    traceId: text(span, 'traceId'),
    spanId: text(span, 'spanId'),
    ...(parentSpanId === '' ? {} : { parentSpanId }),
    name: text(span, 'name'),
    kind: SPAN_KINDS[Number(span['kind'] ?? 0)] ?? 'unspecified',
    startTimeUnixNano: BigInt(text(span, 'startTimeUnixNano') || '0'),
    endTimeUnixNano: BigInt(text(span, 'endTimeUnixNano') || '0'),
    attributes: attributesOf(span),
    events: list(span, 'events').map(event => ({ name: text(event, 'name'), attributes: attributesOf(event) })),
    links: list(span, 'links').map(link => ({
      traceId: text(link, 'traceId'),
      spanId: text(link, 'spanId'),
      attributes: attributesOf(link),
    })),
    status: { code: STATUS_CODES[Number(status['code'] ?? 0)] ?? 'unset', message: text(status, 'message') },
    scope,
    resource,
  }
}

function toNumberPoint(point: Message): MetricPoint {
  return { attributes: attributesOf(point), value: Number(point['asInt'] ?? point['asDouble'] ?? 0) }
}

function toHistogramPoint(point: Message): MetricPoint {
  return {
    attributes: attributesOf(point),
    count: Number(point['count'] ?? 0),
    sum: Number(point['sum'] ?? 0),
    bucketCounts: ((point['bucketCounts'] ?? []) as unknown[]).map(Number),
    explicitBounds: ((point['explicitBounds'] ?? []) as unknown[]).map(Number),
  }
}

function attributesOf(message: Message): Attributes {
  return keyValues(list(message, 'attributes'))
}

function keyValues(pairs: readonly Message[]): Attributes {
  return Object.fromEntries(pairs.map(pair => [text(pair, 'key'), attributeValue(child(pair, 'value'))]))
}

function attributeValue(value: Message): AttributeValue {
  if ('stringValue' in value) return String(value['stringValue'])
  if ('boolValue' in value) return Boolean(value['boolValue'])
  if ('intValue' in value) return integer(BigInt(value['intValue'] as string | number))
  if ('doubleValue' in value) return Number(value['doubleValue'])
  if ('arrayValue' in value) return list(child(value, 'arrayValue'), 'values').map(attributeValue)
  if ('kvlistValue' in value) return keyValues(list(child(value, 'kvlistValue'), 'values'))
  if ('bytesValue' in value) return String(value['bytesValue'])
  return null
}

/** A number where it is exact, so that tests compare with plain literals. */
function integer(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

function scopeName(ofScope: Message): string {
  return text(child(ofScope, 'scope'), 'name')
}

function list(message: Message, name: string): Message[] {
  return (message[name] ?? []) as Message[]
}

function child(message: Message, name: string): Message {
  return (message[name] ?? {}) as Message
}

function text(message: Message, name: string): string {
  const value = message[name]
  return value === undefined || value === null ? '' : String(value)
}
