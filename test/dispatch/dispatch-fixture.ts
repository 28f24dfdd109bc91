import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TriggerDispatch } from '../../src/dispatch/trigger-dispatch.ts'
import type { TriggerOptions } from '../../src/dispatch/trigger-options.ts'
import type { Delivery } from '../../src/dispatch/delivery.ts'
import { VersionDispatch } from '../../src/dispatch/version-dispatch.ts'
import { encodeEventHeader } from '../../src/events/event-header-codec.ts'
import { createHomeEventReader } from '../../src/events/home-event-reader.ts'
import type { FunctionVersion } from '../../src/functions/function-version.ts'
import { openEmbeddedLog, type EmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import type { HomeStore, PauseRecord } from '../../src/store/home-store.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import { noTracer } from '../../src/telemetry/tracer.ts'
import { ScriptedPool, type Script } from './scripted-pool.ts'

export const version: FunctionVersion = {
  name: 'fn',
  version: 'latest',
  hash: 'h',
  file: '/none.js',
  handler: 'default',
  environment: {},
  secrets: {},
  timeoutMs: 1_000,
  concurrency: 8,
  memoryMiB: 64,
  maxResultBytes: 1_000_000,
  retry: { maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 5, jitter: 0 },
  scaling: { minWorkers: 0, maxWorkers: 2, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000 },
}

/** Dispatch on a real embedded log and a real store; only the worker pool is scripted. */
export class DispatchFixture {
  readonly dir: string
  readonly done: Delivery[] = []
  log!: EmbeddedLog
  store!: HomeStore
  pool!: ScriptedPool
  trigger!: TriggerDispatch
  dispatch!: VersionDispatch
  readonly logged: string[] = []
  #waiters: (() => void)[] = []

  async open(script: Script, overrides: Partial<TriggerOptions> = {}, pause?: PauseRecord): Promise<this> {
    this.log = await openEmbeddedLog({ directory: join(this.dir, 'stream'), stream: 's', partitionCount: 2 })
    this.store = await openSqliteStore({ dir: this.dir, onFatal: error => this.logged.push(error.message) })
    this.pool = new ScriptedPool(version, script)
    const reader = createHomeEventReader()
    const feed = { trigger: 't', stream: 's', reader, headerDefaults: {} }
    const write = (_facts: object, message: string): void => void this.logged.push(message)
    this.trigger = new TriggerDispatch({
      name: 't',
      group: 'trigger.t',
      log: this.log,
      start: 'earliest',
      feed,
      storedFeed: { ...feed },
      filter: undefined,
      ordering: 'key',
      skips: () => false,
      function: 'fn',
      functionVersion: 'latest',
      retry: version.retry,
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
    })
    this.dispatch = new VersionDispatch({ pool: this.pool, maxWaitingInvocations: 10, onStarved: () => undefined })
    this.dispatch.attach(this.trigger)
    await this.trigger.start(pause)
    return this
  }

  /** @param dir of an earlier fixture, to go on with its files. */
  constructor(dir = mkdtempSync(join(tmpdir(), 'sluice-dispatch-'))) {
    this.dir = dir
  }

  /** Appends one event and returns its offset. */
  append(key: string, value: string, partition = 0): Promise<number> {
    const header = {
      id: value,
      source: '/test',
      type: 'test',
      acceptedAtMs: Date.now(),
      hops: 0,
      ...(key === '' ? {} : { partitionkey: key }),
    }
    return this.log.append(partition, [
      { key: key === '' ? null : Buffer.from(key), header: encodeEventHeader(header), value: Buffer.from(value) },
    ])
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
