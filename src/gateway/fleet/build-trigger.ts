import type { TriggerConfig } from '../../config/sections/trigger.ts'
import type { Delivery } from '../../dispatch/delivery.ts'
import type { EventRecorder } from '../../dispatch/event-recorder.ts'
import type { ProcessGate } from '../../dispatch/process-gate.ts'
import type { BreakerKeeper } from '../../dispatch/trigger-breaker.ts'
import { TriggerDispatch } from '../../dispatch/trigger-dispatch.ts'
import type { DispatchLogger } from '../../dispatch/trigger-options.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { compileFilter } from '../../events/filter.ts'
import type { Filter } from '../../events/filter-schema.ts'
import { createHomeEventReader } from '../../events/home-event-reader.ts'
import type { RetryPolicy } from '../../functions/function-version.ts'
import type { PartitionLog } from '../../log/partition-log.ts'
import type { TriggerRecord } from '../../registry/registry-records.ts'
import type { Sink } from '../../sinks/sink.ts'
import type { KafkaSource } from '../../sources/kafka/source.ts'
import type { HomeStore } from '../../store/home-store.ts'
import type { Tracer } from '../../telemetry/tracer.ts'
import type { InvocationOutcome } from '../../workers/invocation.ts'
import { groupOf, type HomeStreams } from '../home-streams.ts'
import type { TrafficLog } from '../traffic-log.ts'
import type { RouteTable } from '../../dispatch/route.ts'

/** What triggers are built of. */
export interface TriggerParts {
  readonly streams: HomeStreams
  /** By the stream that they are. */
  readonly kafkaSources: ReadonlyMap<string, KafkaSource>
  readonly sinks: ReadonlyMap<string, Sink>
  readonly store: HomeStore
  readonly gate: ProcessGate
  readonly tracer: Tracer
  readonly logger: DispatchLogger
  /** Absent: single events are not logged. */
  readonly traffic: TrafficLog | undefined
  /** Absent: what happens to events is not kept. */
  readonly recorder?: EventRecorder | undefined
}

/** A key that cannot run for longer than this is parked, so that its partition flows on. */
const parkAfterMs = 1_000
const commitIntervalMs = 200
/** Bytes of one partition between reading and completion, beside the bound by events. */
const maxWindowBytes = 16 * 1024 * 1024

/**
 * For results that a sink does not take. Patient, because a sink that is away concerns every event alike and giving up
 * would bury them all: 20 attempts are some eight minutes.
 */
const sinkRetry: RetryPolicy = { maxAttempts: 20, initialDelayMs: 200, maxDelayMs: 30_000, jitter: 0.2 }

/** The log of a stream, and how its records become events. */
export interface TriggerStream {
  readonly log: PartitionLog
  readonly kafka: KafkaSource | undefined
}

/** @throws {SluiceError} SLUICE_REGISTRY_INVALID when the stream is not there now. */
export function streamOf(name: string, { streams, kafkaSources }: TriggerParts): TriggerStream {
  const kafka = kafkaSources.get(name)
  const log = streams.get(name)?.log ?? kafka?.log
  if (log === undefined)
    throw new SluiceError('SLUICE_REGISTRY_INVALID', `stream: the gateway has no stream '${name}' now`)
  return { log, kafka }
}

/**
 * Builds one trigger; it is not started yet.
 * @throws {SluiceError} SLUICE_REGISTRY_INVALID when its stream or a sink is not there now.
 */
export function buildTrigger(
  record: TriggerRecord,
  routes: RouteTable,
  parts: TriggerParts,
  onSettled: (delivery: Delivery, outcome: InvocationOutcome) => void,
  breakerKeeper?: BreakerKeeper,
): { readonly log: PartitionLog; readonly dispatch: TriggerDispatch } {
  const { name, uid, definition } = record
  const { log, kafka } = streamOf(definition.stream, parts)
  const storedFeed = {
    trigger: name,
    stream: definition.stream,
    reader: createHomeEventReader(),
    headerDefaults: { ...kafka?.headerDefaults },
  }
  const { traffic } = parts
  const dispatch = new TriggerDispatch({
    name,
    uid,
    group: groupOf(uid),
    log,
    start: definition.start,
    feed: kafka === undefined ? storedFeed : { ...storedFeed, reader: kafka.reader },
    storedFeed,
    filter: definition.filter === undefined ? undefined : compileFilter(definition.filter as Filter),
    ordering: definition.ordering,
    ...(definition.delivery === undefined ? {} : { delivery: definition.delivery }),
    skips: reason => kafka?.skips(reason) ?? false,
    routes,
    breaker:
      definition.breaker === undefined || breakerKeeper === undefined
        ? undefined
        : { policy: definition.breaker, keeper: breakerKeeper },
    sinkRetry,
    parkAfterMs,
    parkAtStop: kafka === undefined,
    window: { maxEvents: definition.maxInFlight, maxBytes: maxWindowBytes },
    commitIntervalMs,
    sinks: sinksOf(definition, parts.sinks),
    store: parts.store,
    gate: parts.gate,
    tracer: parts.tracer,
    logger: parts.logger,
    now: Date.now,
    random: Math.random,
    onSettled,
    recorder: parts.recorder,
    ...(traffic === undefined
      ? {}
      : { onDone: (delivery, isBuried) => traffic.done(definition.sinks, delivery, isBuried) }),
  })
  return { log, dispatch }
}

function sinksOf({ sinks }: TriggerConfig, known: ReadonlyMap<string, Sink>): Sink[] {
  return sinks.map((name, index) => {
    const sink = known.get(name)
    if (sink === undefined)
      throw new SluiceError('SLUICE_REGISTRY_INVALID', `sinks[${index}]: the gateway has no sink '${name}' now`)
    return sink
  })
}
