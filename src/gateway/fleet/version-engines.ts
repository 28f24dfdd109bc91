import { Controller } from '../../controller/controller.ts'
import type { ScalingEvent } from '../../controller/scaling-history.ts'
import { CallPermits } from '../../dispatch/call-permits.ts'
import type { ProcessGate } from '../../dispatch/process-gate.ts'
import type { RunRecord } from '../../dispatch/run-record.ts'
import { VersionDispatch } from '../../dispatch/version-dispatch.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { FunctionVersion } from '../../functions/function-version.ts'
import type { StoredVersion } from '../../functions/resolve-version.ts'
import type { PauseRecord } from '../../store/home-store.ts'
import { createWorkerPool } from '../../workers/piscina-pool.ts'
import type { WorkerPoolOptions } from '../../workers/pool-options.ts'
import type { WorkerPool } from '../../workers/worker-pool.ts'
import { lagOf, type LogEnds } from './version-lag.ts'

/** A function version at work: its pool, and what feeds it. */
export interface VersionEngine {
  /** Function, version and content: a change of `latest` is another engine, as a publish is. */
  readonly key: string
  readonly version: FunctionVersion
  readonly dispatch: VersionDispatch
}

export interface VersionEnginesOptions {
  readonly cores: number
  /** Makes a stored version runnable. @throws {SluiceError} SLUICE_REGISTRY_INVALID. */
  readonly resolve: (name: string, stored: StoredVersion) => FunctionVersion
  readonly poolOptions: (version: FunctionVersion) => WorkerPoolOptions
  /** Default: a pool of threads or processes. */
  readonly createPool?: (version: FunctionVersion, options: WorkerPoolOptions) => WorkerPool
  readonly ends: LogEnds
  /** Whether a version is paused: it is born so. */
  readonly pauseOf: (name: string, version: string) => PauseRecord | undefined
  readonly gate: ProcessGate
  readonly record: RunRecord
  /** Reads the code of an artifact again. Rejects with SLUICE_FUNCTIONS_LOAD when it is damaged. */
  readonly verify: (hash: string) => Promise<void>
  /** The code of a version is damaged: from now on {@link VersionEngines.acquire} refuses it. */
  readonly onDamaged: (name: string, error: SluiceError) => void
  readonly onScaling: (event: ScalingEvent) => void
  /** An engine has nothing left to do; its statistics can be read a last time. */
  readonly onRetired: (engine: VersionEngine) => void
}

/** Direct invocations of one version that may wait for a worker. */
const maxWaitingInvocations = 1_024

interface Entry {
  readonly engine: VersionEngine
  users: number
}

/**
 * The engines of all versions that something uses, and the controller that sizes their pools.
 *
 *   (none) ──acquire──▶ serving ──last release──▶ draining: finishes what it has, gets nothing new ──▶ closed
 */
export class VersionEngines {
  readonly controller: Controller
  readonly #options: VersionEnginesOptions
  readonly #permits = new Map<string, CallPermits>()
  readonly #serving = new Map<string, Entry>()
  /** Hashes of artifacts that were found damaged, with what is wrong. */
  readonly #damaged = new Map<string, SluiceError>()
  readonly #draining = new Map<VersionEngine, Promise<void>>()

  constructor(options: VersionEnginesOptions) {
    this.#options = options
    this.controller = new Controller({ intervalMs: 500, cores: options.cores, onDecision: options.onScaling })
  }

  /** Engines that serve, then those that drain. */
  get all(): Iterable<VersionEngine> {
    return [...[...this.#serving.values()].map(({ engine }) => engine), ...this.#draining.keys()]
  }

  /** Engines of one function, draining ones included. */
  of(name: string): VersionEngine[] {
    return [...this.all].filter(({ version }) => version.name === name)
  }

  /**
   * The engine of a version; made when nothing uses it yet. Every call wants one {@link release}.
   * @throws {SluiceError} SLUICE_REGISTRY_INVALID when the version refers to something that is not there any more,
   *   SLUICE_FUNCTIONS_LOAD when its code was found damaged.
   */
  acquire(name: string, stored: StoredVersion): VersionEngine {
    const damage = this.#damaged.get(stored.code.hash)
    if (damage !== undefined) throw damage
    const key = `${name}@${stored.version}#${stored.hash}`
    let entry = this.#serving.get(key)
    if (entry === undefined) {
      entry = { engine: this.#create(key, this.#options.resolve(name, stored)), users: 0 }
      this.#serving.set(key, entry)
      if (stored.code.kind === 'artifact') this.#verify(name, stored.code.hash)
    }
    entry.users++
    return entry.engine
  }

  release(engine: VersionEngine): void {
    const entry = this.#serving.get(engine.key)
    if (entry?.engine !== engine || --entry.users > 0) return
    this.#serving.delete(engine.key)
    const drained = this.#drain(engine).finally(() => this.#draining.delete(engine))
    this.#draining.set(engine, drained)
  }

  async stop(drainMs: number): Promise<void> {
    this.controller.stop()
    const engines = [...this.all]
    await Promise.all(
      engines.map(({ dispatch }) => {
        dispatch.stop()
        return dispatch.pool.close(drainMs)
      }),
    )
  }

  #verify(name: string, hash: string): void {
    this.#options.verify(hash).catch((thrown: unknown) => {
      const error = SluiceError.from(thrown)
      this.#damaged.set(hash, error)
      this.#options.onDamaged(name, error)
    })
  }

  #create(key: string, version: FunctionVersion): VersionEngine {
    const { createPool = createWorkerPool, poolOptions, ends, gate, record } = this.#options
    const pool = createPool(version, poolOptions(version))
    const onStarved = (): void => this.controller.wake(pool)
    const permits = this.#permitsOf(version.name)
    const dispatch = new VersionDispatch({ pool, maxWaitingInvocations, onStarved, permits, gate, record })
    const pause = this.#options.pauseOf(version.name, version.version)
    if (pause !== undefined) void dispatch.pause(pause)
    const engine = { key, version, dispatch }
    this.controller.add(pool, lagOf(dispatch, ends))
    return engine
  }

  /** Of all versions of a function: a canary must not double the load on what stands behind it. */
  #permitsOf(name: string): CallPermits {
    for (const [other, permits] of this.#permits) if (permits.isUnused) this.#permits.delete(other)
    const permits = this.#permits.get(name) ?? new CallPermits()
    this.#permits.set(name, permits)
    return permits
  }

  async #drain(engine: VersionEngine): Promise<void> {
    const { dispatch } = engine
    // The controller goes on meanwhile: what is left may still need a worker.
    await dispatch.retired()
    this.controller.remove(dispatch.pool)
    this.#options.onRetired(engine)
    dispatch.stop()
    await dispatch.pool.close(0)
  }
}
