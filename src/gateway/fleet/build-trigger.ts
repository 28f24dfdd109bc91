import type { Config } from '../config/config.ts'
import type { TriggerConfig } from '../config/sections/trigger.ts'
import { TriggerDispatch } from '../dispatch/trigger-dispatch.ts'
import type { DispatchLogger } from '../dispatch/trigger-options.ts'
import { compileFilter } from '../events/filter.ts'
import { createHomeEventReader } from '../events/home-event-reader.ts'
import type { RetryPolicy } from '../functions/function-version.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { Sink } from '../sinks/sink.ts'
import type { KafkaSource } from '../sources/kafka/source.ts'
import type { HomeStore } from '../store/home-store.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import type { FunctionEngine, FunctionEngines } from './function-engines.ts'
import { groupOf, type HomeStream } from './home-streams.ts'
import type { TrafficLog } from './traffic-log.ts'

/** A trigger with what belongs to it, for views and the controller. */
export interface RunningTrigger {
  readonly name: string
  readonly config: TriggerConfig
  readonly log: PartitionLog
  readonly dispatch: TriggerDispatch
}

export interface TriggerParts {
  readonly config: Config
  readonly streams: ReadonlyMap<string, HomeStream>
  readonly kafkaSources: ReadonlyMap<string, KafkaSource>
  readonly sinks: ReadonlyMap<string, Sink>
  readonly engines: FunctionEngines
  readonly store: HomeStore
  readonly tracer: Tracer
  readonly logger: DispatchLogger
  /** Absent: single events are not logged. */
  readonly traffic: TrafficLog | undefined
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

/** Builds every trigger of the configuration and attaches it to its function's engine. Nothing is started yet. */
export function buildTriggers(parts: TriggerParts): ReadonlyMap<string, RunningTrigger> {
  const triggers = new Map<string, RunningTrigger>()
  for (const [name, config] of parts.config.triggers) {
    const engine = parts.engines.get(config.function) as FunctionEngine
    const trigger = buildTrigger(name, config, engine, parts)
    parts.engines.attach(engine, trigger.dispatch, trigger.log)
    triggers.set(name, trigger)
  }
  return triggers
}

function buildTrigger(
  name: string,
  config: TriggerConfig,
  engine: FunctionEngine,
  parts: TriggerParts,
): RunningTrigger {
  const home = parts.streams.get(config.stream)
  const kafka = parts.kafkaSources.get(config.stream)
  const log = (home?.log ?? kafka?.log) as PartitionLog
  const homeReader = createHomeEventReader()
  const storedFeed = {
    trigger: name,
    stream: config.stream,
    reader: homeReader,
    headerDefaults: { ...kafka?.headerDefaults },
  }
  const { retry, name: functionName, version } = engine.version
  const { traffic } = parts
  const dispatch = new TriggerDispatch({
    name,
    group: groupOf(name),
    log,
    start: config.start,
    feed: kafka === undefined ? storedFeed : { ...storedFeed, reader: kafka.reader },
    storedFeed,
    filter: config.filter === undefined ? undefined : compileFilter(config.filter),
    ordering: config.ordering,
    skips: reason => kafka?.skips(reason) ?? false,
    function: functionName,
    functionVersion: version,
    retry: { ...retry, ...config.retry },
    sinkRetry,
    parkAfterMs,
    window: { maxEvents: config.maxInFlight, maxBytes: maxWindowBytes },
    commitIntervalMs,
    sinks: config.sinks.map(sink => parts.sinks.get(sink) as Sink),
    store: parts.store,
    tracer: parts.tracer,
    logger: parts.logger,
    now: Date.now,
    random: Math.random,
    ...(traffic === undefined ? {} : { onDone: delivery => traffic.done(name, config.stream, config.sinks, delivery) }),
  })
  return { name, config, log, dispatch }
}
