import { Controller, type ScalingEvent } from '../controller/controller.ts'
import type { LagSource } from '../controller/lag.ts'
import { DirectInvocation } from '../dispatch/direct-invocation.ts'
import type { TriggerDispatch } from '../dispatch/trigger-dispatch.ts'
import { VersionDispatch } from '../dispatch/version-dispatch.ts'
import { SluiceError } from '../errors/sluice-error.ts'
import { encodeEventHeader } from '../events/event-header-codec.ts'
import { createHomeEventReader } from '../events/home-event-reader.ts'
import type { FunctionVersion } from '../functions/function-version.ts'
import type { PartitionEnds, PartitionLog } from '../log/partition-log.ts'
import type { IncomingEvent } from '../sources/source.ts'
import type { Feed, InvocationOutcome } from '../workers/invocation.ts'
import { checkFunction } from '../workers/check-module.ts'
import { createWorkerPool } from '../workers/piscina-pool.ts'
import type { WorkerPoolOptions } from '../workers/pool-options.ts'

/** A function version at work: its pool, and what feeds it. */
export interface FunctionEngine {
  readonly version: FunctionVersion
  readonly dispatch: VersionDispatch
}

export interface FunctionEnginesOptions {
  readonly cores: number
  readonly poolOptions: (version: FunctionVersion) => WorkerPoolOptions
  readonly onScaling: (event: ScalingEvent) => void
}

/** Direct invocations of one function that may wait for a worker. */
const maxWaitingInvocations = 1_024

/** End offsets are asked for at most this often, however many triggers read a stream. */
const endsMaxAgeMs = 900

/** One engine per function, and the controller that sizes their pools. */
export class FunctionEngines {
  readonly controller: Controller
  readonly #options: FunctionEnginesOptions
  readonly #engines = new Map<string, FunctionEngine>()
  readonly #logs = new Map<TriggerDispatch, PartitionLog>()
  readonly #ends = new WeakMap<PartitionLog, { atMs: number; ends: Promise<readonly PartitionEnds[]> }>()
  readonly #directFeed: Feed = { trigger: '', stream: '', reader: createHomeEventReader(), headerDefaults: {} }

  constructor(options: FunctionEnginesOptions) {
    this.#options = options
    this.controller = new Controller({ intervalMs: 500, cores: options.cores, onDecision: options.onScaling })
  }

  get all(): Iterable<FunctionEngine> {
    return this.#engines.values()
  }

  get(name: string): FunctionEngine | undefined {
    return this.#engines.get(name)
  }

  /**
   * Loads every function once in a worker that is thrown away, two at a time.
   * @throws {SluiceError} SLUICE_FUNCTIONS_LOAD with all problems at once.
   */
  async check(versions: Iterable<FunctionVersion>): Promise<void> {
    const waiting = [...versions]
    const problems: string[] = []
    const checkNext = async (): Promise<void> => {
      for (let version = waiting.shift(); version !== undefined; version = waiting.shift()) {
        await checkFunction(version).catch((error: unknown) => problems.push(SluiceError.from(error).message))
      }
    }
    await Promise.all([checkNext(), checkNext()])
    if (problems.length > 0)
      throw new SluiceError('SLUICE_FUNCTIONS_LOAD', problems.join('\n'), { details: { problems } })
  }

  add(version: FunctionVersion): FunctionEngine {
    const pool = createWorkerPool(version, this.#options.poolOptions(version))
    const dispatch = new VersionDispatch({ pool, maxWaitingInvocations, onStarved: () => this.controller.wake(pool) })
    const engine = { version, dispatch }
    this.#engines.set(version.name, engine)
    this.controller.add(pool, this.#lagOf(dispatch))
    return engine
  }

  attach(engine: FunctionEngine, trigger: TriggerDispatch, log: PartitionLog): void {
    this.#logs.set(trigger, log)
    engine.dispatch.attach(trigger)
  }

  /** Ends of a stream, at most a second old. */
  ends(log: PartitionLog): Promise<readonly PartitionEnds[]> {
    const known = this.#ends.get(log)
    if (known !== undefined && performance.now() - known.atMs < endsMaxAgeMs) return known.ends
    const ends = log.ends()
    this.#ends.set(log, { atMs: performance.now(), ends })
    return ends
  }

  /** Runs a function once, outside of any stream. @throws {SluiceError} SLUICE_FUNCTIONS_NOT_FOUND, SLUICE_DISPATCH_OVERLOADED, SLUICE_DISPATCH_STOPPED. */
  invoke(name: string, event: IncomingEvent, traceparent: string | undefined): Promise<InvocationOutcome> {
    const engine = this.#engines.get(name)
    if (engine === undefined) throw new SluiceError('SLUICE_FUNCTIONS_NOT_FOUND', `there is no function ${name}`)
    const { partitionkey } = event.header
    const record = {
      offset: 0,
      timestampMs: event.header.acceptedAtMs,
      key: partitionkey === undefined ? null : Buffer.from(partitionkey),
      value: event.value,
      header: encodeEventHeader(event.header),
      headers: null,
    }
    const invocation = new DirectInvocation(this.#directFeed, record, traceparent)
    engine.dispatch.invoke(invocation)
    return invocation.outcome
  }

  async stop(drainMs: number): Promise<void> {
    this.controller.stop()
    await Promise.all(
      [...this.#engines.values()].map(({ dispatch }) => {
        dispatch.stop()
        return dispatch.pool.close(drainMs)
      }),
    )
  }

  #lagOf(dispatch: VersionDispatch): LagSource {
    const notTaken = (trigger: TriggerDispatch): Promise<number> => this.#notTaken(trigger)
    return {
      get runnable() {
        return dispatch.runnable
      },
      get runnableKeys() {
        return dispatch.runnableKeys
      },
      get running() {
        return dispatch.running
      },
      get received() {
        let received = 0
        for (const trigger of dispatch.triggers) received += trigger.counters.received - trigger.counters.filtered
        return received
      },
      async notTaken() {
        const running = dispatch.triggers.filter(trigger => trigger.state === 'running')
        const lags = await Promise.all(running.map(notTaken))
        return lags.reduce((sum, lag) => sum + lag, 0)
      },
    }
  }

  async #notTaken(trigger: TriggerDispatch): Promise<number> {
    const ends = await this.ends(this.#logs.get(trigger) as PartitionLog)
    let events = 0
    for (const { partition, taken } of trigger.partitions())
      events += Math.max(0, (ends[partition]?.end ?? taken) - taken)
    return events
  }
}
