import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import { parseTraceparent } from '../events/traceparent.ts'
import { attribute } from './attributes.ts'
import { routeDiagnostics } from './otel-diagnostics.ts'
import { startSdk } from './otel-sdk.ts'
import { resourceAttributes } from './resource-attributes.ts'
import { drawSpanId, drawTraceId, isSampled, samplingOf, type Sampling } from './sampling.ts'
import { createSpanClock } from './span-clock.ts'
import { SpanPipeline } from './span-pipeline.ts'
import type { SpanLink, SpanRecord } from './span-record.ts'
import { type TelemetryLogger, throttled } from './telemetry-logger.ts'
import type { ActiveSpan, SettleOperation, SpanFacts, SpanOrigin, Tracer } from './tracer.ts'

export interface TracingOptions {
  /** Share of events without a sender's decision, 0 to 1; `OTEL_TRACES_SAMPLER` wins. */
  readonly sampleRatio: number
  /** The gateway's version, for the resource. */
  readonly version: string
  readonly logger: TelemetryLogger
  /** Where `OTEL_*` is read, by the exporters as well. Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv
}

export interface Tracing {
  readonly tracer: Tracer
  /** Exports what user code recorded in a worker. Never throws. */
  exportWorkerSpans(spans: readonly SpanRecord[]): void
  /** Spans lost since the start: queue full, export failed, or not valid. */
  droppedSpans(): number
  /** Sends what is queued, for at most `timeoutMs` (default 5 s). Never rejects. */
  shutdown(timeoutMs?: number): Promise<void>
}

/** Starts tracing. Import this file only when tracing is on (start-telemetry.ts does): it brings the OpenTelemetry SDK with it. */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const env = options.env ?? process.env
  const logger = throttled(options.logger)
  routeDiagnostics(logger)
  const resource = resourceAttributes(options.version, env)
  const pipeline = new SpanPipeline({ env, resource, logger })
  const stopSdk = startSdk(resource, span => pipeline.add(span))
  return {
    tracer: new OtelTracer(samplingOf(env, options.sampleRatio, logger), pipeline, options.version),
    exportWorkerSpans(spans) {
      for (const span of spans) pipeline.add(span)
    },
    droppedSpans: () => pipeline.dropped(),
    shutdown: async (timeoutMs = 5_000) => {
      await pipeline.shutdown(timeoutMs)
      stopSdk()
    },
  }
}

/** MQTT and Kafka bring messages, a schedule is nobody's; everything else is a request that we answer. */
const receiveKinds: Readonly<Record<string, SpanKind>> = {
  mqtt: SpanKind.CONSUMER,
  kafka: SpanKind.CONSUMER,
  schedule: SpanKind.INTERNAL,
}

/** What a span hangs below; without a parent it is the root of a new trace. */
interface Place {
  readonly traceId: string
  readonly flags: number
  readonly parentSpanId: string | undefined
}

type Operation = 'receive' | 'process' | 'publish' | SettleOperation

type Attributes = Record<string, string | number | boolean>

class OtelTracer implements Tracer {
  readonly enabled = true
  readonly #sampling: Sampling
  readonly #pipeline: SpanPipeline
  readonly #version: string
  readonly #now = createSpanClock()
  /** `receive orders`: there are as many as sources, streams and sinks. */
  readonly #names = new Map<Operation, Map<string, string>>()

  constructor(sampling: Sampling, pipeline: SpanPipeline, version: string) {
    this.#sampling = sampling
    this.#pipeline = pipeline
    this.#version = version
  }

  receive(parent: string | undefined, source: string, facts: SpanFacts): ActiveSpan | undefined {
    const place = this.#place(parent)
    if (place === undefined) return undefined
    const system = facts[attribute.messagingSystem]
    const kind = typeof system === 'string' && Object.hasOwn(receiveKinds, system) ? receiveKinds[system] : undefined
    return this.#start('receive', source, kind ?? SpanKind.SERVER, place, {
      [attribute.source]: source,
      [attribute.messagingOperationType]: 'receive',
      [attribute.messagingOperationName]: 'receive',
    }, facts) // prettier-ignore
  }

  process(
    parent: string | undefined,
    stream: string,
    facts: () => SpanFacts,
    origin: SpanOrigin = {},
  ): ActiveSpan | undefined {
    const place = this.#placeOf(parent, origin)
    if (place === undefined) return undefined
    const attributes = { ...streamFacts(stream, 'process'), [attribute.messagingOperationType]: 'process' }
    return this.#start('process', stream, SpanKind.CONSUMER, place, attributes, facts(), linksOf(parent, origin))
  }

  settle(
    operation: SettleOperation,
    parent: string | undefined,
    stream: string,
    facts: () => SpanFacts,
    origin: SpanOrigin = {},
  ): ActiveSpan | undefined {
    const place = this.#placeOf(parent, origin)
    if (place === undefined) return undefined
    const attributes = {
      ...streamFacts(stream, operation),
      // The conventions know neither parking nor its end.
      ...(operation === 'dead-letter' ? { [attribute.messagingOperationType]: 'settle' } : undefined),
    }
    return this.#start(operation, stream, SpanKind.INTERNAL, place, attributes, facts(), linksOf(parent, origin))
  }

  publish(parent: string | undefined, sink: string, facts: SpanFacts): ActiveSpan | undefined {
    // A result belongs to the trace of its event: without one there is nothing to tell.
    if (parent === undefined) return undefined
    const place = this.#place(parent)
    if (place?.parentSpanId === undefined) return undefined
    const kind = facts[attribute.sinkKind] === 'http' ? SpanKind.CLIENT : SpanKind.PRODUCER
    return this.#start('publish', sink, kind, place, {
      [attribute.sink]: sink,
      [attribute.messagingOperationType]: 'send',
      [attribute.messagingOperationName]: 'publish',
    }, facts) // prettier-ignore
  }

  #placeOf(parent: string | undefined, { isUndecided = true, isRoot = false }: SpanOrigin): Place | undefined {
    // What a source of ours has taken without sampling it must not get a second chance.
    if (parent === undefined && !isUndecided) return undefined
    const place = this.#place(parent)
    if (place === undefined || !isRoot) return place
    return { traceId: drawTraceId(1) as string, flags: TraceFlags.SAMPLED, parentSpanId: undefined }
  }

  /** The decision, made before anything is built; an invalid parent counts as none (Trace Context §2.2.3). */
  #place(parent: string | undefined): Place | undefined {
    const { honoursParent, ratio } = this.#sampling
    const context = parent === undefined ? undefined : parseTraceparent(parent)
    if (context === undefined) {
      const traceId = drawTraceId(ratio)
      return traceId === undefined ? undefined : { traceId, flags: TraceFlags.SAMPLED, parentSpanId: undefined }
    }
    const { traceId, spanId, flags } = context
    const sampled = honoursParent ? (flags & TraceFlags.SAMPLED) !== 0 : isSampled(ratio, traceId)
    if (!sampled) return undefined
    return { traceId, flags: (flags & randomFlag) | TraceFlags.SAMPLED, parentSpanId: spanId }
  }

  #start(
    operation: Operation,
    target: string,
    kind: SpanKind,
    { traceId, flags, parentSpanId }: Place,
    attributes: Attributes,
    facts: SpanFacts,
    links?: readonly SpanLink[],
  ): ActiveSpan {
    addFacts(attributes, facts)
    const spanId = drawSpanId()
    const name = this.#nameOf(operation, target)
    const startTimeMs = this.#now()
    let ended = false
    return {
      traceparent: `00-${traceId}-${spanId}-0${flags}`,
      end: (error, endFacts) => {
        if (ended) return
        ended = true
        if (endFacts !== undefined) addFacts(attributes, endFacts)
        if (error !== undefined) attributes[attribute.errorType] ??= '_OTHER'
        this.#pipeline.add({
          ...{ traceId, spanId, flags, name, kind, startTimeMs, endTimeMs: this.#now(), attributes },
          ...(parentSpanId === undefined ? undefined : { parentSpanId }),
          ...(error === undefined ? undefined : { status: { code: SpanStatusCode.ERROR, message: error } }),
          ...(links === undefined ? undefined : { links }),
          ...{ scope: 'sluice', scopeVersion: this.#version },
        })
      },
    }
  }

  #nameOf(operation: Operation, target: string): string {
    let names = this.#names.get(operation)
    if (names === undefined) this.#names.set(operation, (names = new Map()))
    let name = names.get(target)
    if (name === undefined) names.set(target, (name = `${operation} ${target}`))
    return name
  }
}

function streamFacts(stream: string, operation: Operation): Attributes {
  return {
    [attribute.stream]: stream,
    [attribute.messagingDestination]: stream,
    [attribute.messagingOperationName]: operation,
  }
}

/** The links of a span, each once; one that begins a trace of its own is linked to what would be its parent. */
function linksOf(parent: string | undefined, { isRoot, links }: SpanOrigin): readonly SpanLink[] | undefined {
  if (isRoot !== true && links === undefined) return undefined
  const found = new Map<string, SpanLink>()
  for (const text of isRoot === true ? [parent, ...(links ?? [])] : (links ?? [])) {
    const context = text === undefined ? undefined : parseTraceparent(text)
    if (context !== undefined) found.set(context.spanId, { traceId: context.traceId, spanId: context.spanId })
  }
  return found.size === 0 ? undefined : [...found.values()]
}

/** Trace Context level 2: the id is random. Has to be handed on as it came. */
const randomFlag = 0x02

function addFacts(attributes: Attributes, facts: SpanFacts): void {
  for (const name in facts) {
    const value = facts[name]
    if (value !== undefined) attributes[name] = value
  }
}
