import type { GatewayControl } from '../api/gateway-control.ts'
import type { PauseView, TriggerView } from '../api/views/trigger-view.ts'
import type { Config } from '../config/config.ts'
import { messageOf, SluiceError } from '../errors/sluice-error.ts'
import type { KafkaClient } from '../log/kafka/kafka-client.ts'
import type { Sink } from '../sinks/sink.ts'
import type { Source } from '../sources/source.ts'
import type { HomeStore, PauseRecord } from '../store/home-store.ts'
import type { MetricsRegistry } from '../telemetry/metrics-registry.ts'
import type { RunningTrigger } from './build-triggers.ts'
import { deadLetterView } from './dead-letter-view.ts'
import type { FunctionEngines } from './function-engines.ts'
import { healthOf } from './health.ts'
import { groupOf, type HomeStream } from './home-streams.ts'
import type { Invoke } from './invoke.ts'

/** What views, health and metrics look at. */
export interface GatewayView {
  readonly config: Config
  readonly triggers: ReadonlyMap<string, RunningTrigger>
  readonly engines: FunctionEngines
  readonly sources: ReadonlyMap<string, Source>
  readonly sinks: ReadonlyMap<string, Sink>
  readonly streams: ReadonlyMap<string, HomeStream>
  readonly kafka?: KafkaClient
  readonly store: HomeStore
  readonly registry: MetricsRegistry
  readonly invoke: Invoke
  state(): { readonly state: string; readonly failure: SluiceError | undefined }
}

/** The gateway as the API sees it. */
export function createControl(view: GatewayView): GatewayControl {
  const { triggers, engines, store, config } = view

  const triggerNamed = (name: string): RunningTrigger => {
    const trigger = triggers.get(name)
    if (trigger === undefined)
      throw new SluiceError('SLUICE_API_NOT_FOUND', `there is no trigger ${name}; GET /v1/triggers lists them`)
    return trigger
  }

  const viewOf = async (trigger: RunningTrigger, kept: ReadonlyMap<string, number>): Promise<TriggerView> => {
    const { dispatch, name, log } = trigger
    const [ends, committed] = await Promise.all([
      engines.ends(log).catch(() => undefined),
      log.committed(groupOf(name)).catch(() => undefined),
    ])
    const progress = new Map(dispatch.partitions().map(entry => [entry.partition, entry]))
    const partitions = Array.from({ length: log.partitionCount }, (_, partition) => {
      const end = ends?.[partition]?.end ?? null
      const done = progress.get(partition)?.completed ?? committed?.get(partition) ?? null
      const lag = end === null ? null : Math.max(0, end - (done ?? ends?.[partition]?.low ?? 0))
      return {
        partition,
        committed: committed?.get(partition) ?? null,
        end,
        lag,
        inFlight: progress.get(partition)?.inFlight ?? 0,
      }
    })
    const { counters, state, problem, pauseRecord } = dispatch
    const known = partitions.length > 0 && partitions.every(({ lag }) => lag !== null)
    return {
      name,
      state: state === 'blocked' || state === 'stopping' ? 'stopped' : state,
      stream: trigger.config.stream,
      function: trigger.config.function,
      ordering: trigger.config.ordering,
      sinks: trigger.config.sinks,
      lag: known ? partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0) + dispatch.parkedEvents : null,
      inFlight: partitions.reduce((sum, { inFlight }) => sum + inFlight, 0),
      parkedKeys: dispatch.parkedKeys,
      parkedEvents: dispatch.parkedEvents,
      retries: counters.retried,
      succeeded: counters.succeeded,
      failed: counters.failed,
      deadLetters: kept.get(name) ?? 0,
      partitions,
      paused: pauseRecord === undefined ? null : pauseViewOf(pauseRecord),
      ...(problem === undefined ? {} : { detail: problem }),
    }
  }

  const oneView = async (trigger: RunningTrigger): Promise<TriggerView> =>
    viewOf(trigger, await store.countDeadLetters())

  return {
    async triggers() {
      const kept = await store.countDeadLetters()
      const running = await Promise.all([...triggers.values()].map(trigger => viewOf(trigger, kept)))
      return running
    },
    async trigger(name) {
      const trigger = triggers.get(name)
      return trigger === undefined ? undefined : oneView(trigger)
    },
    async pauseTrigger(name, { reason, by }) {
      const trigger = triggerNamed(name)
      const pause: PauseRecord = { reason, by, sinceMs: trigger.dispatch.pauseRecord?.sinceMs ?? Date.now() }
      // Durable first: a crash right after the answer must find the trigger paused.
      await store.pause(`trigger:${name}`, pause)
      await trigger.dispatch.pause(pause)
      return oneView(trigger)
    },
    async resumeTrigger(name) {
      const trigger = triggerNamed(name)
      await store.resume(`trigger:${name}`)
      trigger.dispatch.resume()
      return oneView(trigger)
    },
    async deadLetters(name, { limit, before }) {
      if (!name.startsWith('source:')) triggerNamed(name)
      const letters = await store.listDeadLetters(name, limit, before)
      const total = (await store.countDeadLetters()).get(name) ?? 0
      const last = letters.at(-1)
      return {
        items: letters.map(deadLetterView),
        total,
        next: letters.length < limit || last === undefined ? null : last.id,
      }
    },
    functions: () =>
      Promise.resolve(
        [...engines.all].map(({ version, dispatch }) => {
          const stats = dispatch.pool.stats()
          const { name, hash, timeoutMs, concurrency, scaling } = version
          return {
            name,
            version: version.version,
            hash,
            state: stats.state,
            timeoutMs,
            concurrency,
            minWorkers: scaling.minWorkers,
            maxWorkers: scaling.maxWorkers,
            workers: stats.workers,
            busy: stats.busy,
            succeeded: stats.succeeded,
            failed: stats.failed,
            coldStarts: stats.coldStarts,
            killed: stats.killed,
            serviceTimeMs: stats.serviceTimeMs ?? null,
            ...(stats.problem === undefined ? {} : { detail: stats.problem }),
          }
        }),
      ),
    sources: () =>
      Promise.resolve(
        [...view.sources].map(([name, source]) => ({
          name,
          kind: source.kind,
          stream: config.sources.get(name)?.stream ?? null,
          ...source.stats(),
        })),
      ),
    async streams() {
      const home = [...view.streams.values()].map(async ({ name, log }) => {
        const ends = await log.ends()
        return {
          name,
          kind: 'home' as const,
          partitions: ends.map(({ low, end }, partition) => ({ partition, low, end })),
          bytes: log.stats().bytes,
        }
      })
      const kafka = kafkaLogs(view).map(async ([name, log]) => {
        try {
          const ends = await engines.ends(log)
          return {
            name,
            kind: 'kafka' as const,
            partitions: ends.map(({ low, end }, partition) => ({ partition, low, end })),
            bytes: null,
          }
        } catch (error) {
          return { name, kind: 'kafka' as const, partitions: [], bytes: null, detail: messageOf(error) }
        }
      })
      return Promise.all([...home, ...kafka])
    },
    sinks: () =>
      Promise.resolve([...view.sinks.values()].map(sink => ({ name: sink.name, kind: sink.kind, ...sink.health() }))),
    scaling: () =>
      Promise.resolve(
        engines.controller
          .events()
          .map(({ atMs, function: name, from, to, reason }) => ({ atMs, function: name, from, to, reason })),
      ),
    invoke: (name, request) => view.invoke.direct(name, request),
    health: () => healthOf(view),
    metrics: () => view.registry.collect(),
  }
}

function pauseViewOf({ reason, by, sinceMs }: PauseRecord): PauseView {
  return { reason, by, sinceMs }
}

/** Kafka-backed streams that a trigger reads. */
function kafkaLogs(view: GatewayView) {
  const logs = new Map([...view.triggers.values()].map(({ config, log }) => [config.stream, log]))
  for (const name of view.streams.keys()) logs.delete(name)
  return [...logs]
}
