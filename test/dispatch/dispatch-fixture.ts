import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PartPauses } from '../../src/dispatch/paused-parts.ts'
import { TriggerDispatch } from '../../src/dispatch/trigger-dispatch.ts'
import type { TriggerOptions } from '../../src/dispatch/trigger-options.ts'
import type { Delivery } from '../../src/dispatch/delivery.ts'
import type { RouteTable, RouteTarget } from '../../src/dispatch/route.ts'
import { VersionDispatch } from '../../src/dispatch/version-dispatch.ts'
import { encodeEventHeader } from '../../src/events/event-header-codec.ts'
import { createHomeEventReader } from '../../src/events/home-event-reader.ts'
import type { FunctionVersion, RetryPolicy } from '../../src/functions/function-version.ts'
import { openEmbeddedLog, type EmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { unrestricted, type ResultPolicy } from '../../src/sinks/result-policy.ts'
import type { HomeStore, PauseRecord } from '../../src/store/home-store.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import { noTracer } from '../../src/telemetry/tracer.ts'
import { ScriptedPool, succeeded, type Script, type Seen } from './scripted-pool.ts'

export const version: FunctionVersion = {
  name: 'fn',
  version: 'latest',
  hash: 'h',
  file: '/none.js',
  selfContained: false,
  labels: {},
  handler: 'default',
  environment: {},
  secrets: {},
  bindings: {},
  timeoutMs: 1_000,
  concurrency: 8,
  memoryMiB: 64,
  maxResultBytes: 1_000_000,
  retry: { maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 5, jitter: 0 },
  scaling: { minWorkers: 0, maxWorkers: 2, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000 },
}

/** Routes that a test moves. */
export class TestRoutes implements RouteTable {
  targets: readonly RouteTarget[] = []
  problem: string | undefined = undefined
  targetsOf: (delivery: Delivery) => readonly RouteTarget[] = () => this.targets
}

export interface FixtureOptions extends Partial<TriggerOptions> {
  readonly retry?: RetryPolicy
  readonly policy?: ResultPolicy
  /** Called whenever any version runs something. */
  readonly onSeen?: (seen: Seen) => void
}

/** Dispatch on a real embedded log and a real store; only the worker pool is scripted. */
export class DispatchFixture {
  readonly dir: string
  readonly done: Delivery[] = []
  log!: EmbeddedLog
  store!: HomeStore
  /** The version that the routes name at first. */
  pool!: ScriptedPool
  dispatch!: VersionDispatch
  trigger!: TriggerDispatch
  readonly routes = new TestRoutes()
  readonly engines = new Map<string, VersionDispatch>()
  readonly logged: string[] = []
  #waiters: (() => void)[] = []
  #options: FixtureOptions = {}

  async open(script: Script, options: FixtureOptions = {}, pause?: PauseRecord, parts?: PartPauses): Promise<this> {
    await this.#open(options)
    this.dispatch = this.addVersion('latest', script)
    await this.#start(pause, parts)
    return this
  }

  /** With a pool of the test's own in the place of the scripted one. */
  async openWith<Pool extends ScriptedPool>(
    poolOf: (base: ScriptedPool) => Pool,
    options: FixtureOptions = {},
  ): Promise<Pool> {
    await this.#open(options)
    const pool = poolOf(new ScriptedPool(version, () => succeeded))
    this.dispatch = this.#feed(pool)
    await this.#start(undefined)
    return pool
  }

  async #open(options: FixtureOptions): Promise<void> {
    this.#options = options
    this.log = await openEmbeddedLog({ directory: join(this.dir, 'stream'), stream: 's', partitionCount: 2 })
    this.store = await openSqliteStore({ dir: this.dir, onFatal: error => this.logged.push(error.message) })
  }

  async #start(pause: PauseRecord | undefined, parts?: PartPauses): Promise<void> {
    this.pool = this.poolOf('latest')
    this.routes.targets = [this.target('latest', 100)]
    this.trigger = this.createTrigger()
    await this.trigger.start(pause, parts)
  }

  /** One more version; nothing names it yet. */
  addVersion(name: string, script: Script): VersionDispatch {
    return this.#feed(new ScriptedPool({ ...version, version: name }, script))
  }

  #feed(pool: ScriptedPool): VersionDispatch {
    pool.onSeen = seen => this.#options.onSeen?.(seen)
    const engine = new VersionDispatch({ pool, maxWaitingInvocations: 10, onStarved: () => undefined })
    this.engines.set(pool.version.version, engine)
    return engine
  }

  poolOf(name: string): ScriptedPool {
    return this.engines.get(name)?.pool as ScriptedPool
  }

  target(name: string, weight: number): RouteTarget {
    const { retry = version.retry, policy = unrestricted } = this.#options
    return { engine: this.engines.get(name) as VersionDispatch, weight, retry, policy }
  }

  /** Moves the routes to these versions and weights, as an alias does. */
  route(weights: Readonly<Record<string, number>>): void {
    this.routes.targets = Object.entries(weights)
      .filter(([, weight]) => weight > 0)
      .map(([name, weight]) => this.target(name, weight))
    this.trigger.reroute()
  }

  /** A trigger on the log, the store and the routes of the fixture; not started. */
  createTrigger(more: Partial<TriggerOptions> = {}): TriggerDispatch {
    const { retry: _retry, policy: _policy, onSeen: _onSeen, ...overrides } = this.#options
    const reader = createHomeEventReader()
    const feed = { trigger: 't', stream: 's', reader, headerDefaults: {} }
    const write = (_facts: object, message: string): void => void this.logged.push(message)
    return new TriggerDispatch({
      name: 't',
      uid: 't',
      group: 'trigger.t',
      log: this.log,
      start: 'earliest',
      feed,
      storedFeed: { ...feed },
      filter: undefined,
      ordering: 'key',
      skips: () => false,
      routes: this.routes,
      sinkRetry: version.retry,
      parkAfterMs: 60_000,
      window: { maxEvents: 1_000, maxBytes: 16_000_000 },
      commitIntervalMs: 5,
      sinks: [],
      store: this.store,
      tracer: noTracer,
      logger: { info: write, warn: write, error: write },
      now: Date.now,
      random: () => 0,
      onDone: delivery => {
        this.done.push(delivery)
        for (const wake of this.#waiters.splice(0)) wake()
      },
      ...overrides,
      ...more,
    })
  }

  /** @param dir of an earlier fixture, to go on with its files. */
  constructor(dir = mkdtempSync(join(tmpdir(), 'sluice-dispatch-'))) {
    this.dir = dir
  }

  /** Appends one event and returns its offset. */
  append(key: string, value: string, partition = 0): Promise<number> {
    return this.appendAll([[key, value]], partition)
  }

  /** Appends events, each a key and a value, as one batch, which the log hands out as one too. Returns the first offset. */
  appendAll(events: readonly (readonly [key: string, value: string])[], partition = 0): Promise<number> {
    const records = events.map(([key, value]) => {
      const header = {
        id: value,
        source: '/test',
        type: 'test',
        acceptedAtMs: Date.now(),
        hops: 0,
        ...(key === '' ? {} : { partitionkey: key }),
      }
      return { key: key === '' ? null : Buffer.from(key), header: encodeEventHeader(header), value: Buffer.from(value) }
    })
    return this.log.append(partition, records)
  }

  /** Waits until so many events are complete (done, dead or skipped). */
  async untilDone(count: number): Promise<void> {
    while (this.done.length < count) await new Promise<void>(resolve => this.#waiters.push(resolve))
  }

  async committed(partition = 0): Promise<number> {
    return (await this.log.committed('trigger.t')).get(partition) ?? 0
  }

  /** Stops everything but keeps the files. */
  async stop(drainMs = 5_000): Promise<void> {
    await this.trigger.stop(drainMs)
    await this.log.close()
    await this.store.close()
  }

  async dispose(): Promise<void> {
    await this.stop(0)
    rmSync(this.dir, { recursive: true, force: true })
  }
}
