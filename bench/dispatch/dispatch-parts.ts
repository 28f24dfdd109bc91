import type { RouteTable } from '../../src/dispatch/route.ts'
import { TriggerDispatch } from '../../src/dispatch/trigger-dispatch.ts'
import { encodeEventHeader } from '../../src/events/event-header-codec.ts'
import { createHomeEventReader } from '../../src/events/home-event-reader.ts'
import type { FunctionVersion } from '../../src/functions/function-version.ts'
import type { LogRecord } from '../../src/log/log-record.ts'
import type { PartitionLog, Subscription, SubscriptionHandlers } from '../../src/log/partition-log.ts'
import type { HomeStore } from '../../src/store/home-store.ts'
import { noTracer } from '../../src/telemetry/tracer.ts'
import type { Invocation, InvocationOutcome } from '../../src/workers/invocation.ts'
import type { WorkerPool, WorkerPoolStats } from '../../src/workers/worker-pool.ts'

const keyCount = 500
const batchSize = 512
const keys = Array.from({ length: keyCount }, (_, i) => Buffer.from(`device-${i}`))
const headers = keys.map((key, i) =>
  encodeEventHeader({
    id: `e-${i}`,
    source: '/bench',
    type: 'reading',
    datacontenttype: 'application/json',
    partitionkey: key.toString(),
    acceptedAtMs: 1,
    hops: 0,
  }),
)
const value = Buffer.alloc(160, 'x')

const succeeded: InvocationOutcome = { kind: 'succeeded', results: [], durationMs: 0.002 }

/** Records of 500 keys in one partition, made as a log makes them: one object each, bytes shared. */
export function recordsFrom(offset: number, count: number): LogRecord[] {
  const records: LogRecord[] = []
  for (let at = offset; at < offset + count; at++) {
    const i = (at * 7919) % keyCount
    const key = keys[i] as Buffer
    const header = headers[i] as Buffer
    records.push({ offset: at, timestampMs: Date.now(), key, value, header, headers: null })
  }
  return records
}

/** A log without a disk: hands out as fast as it is taken. */
class MemoryLog {
  readonly stream = 's'
  readonly partitionCount = 1
  readonly #count: number
  #handlers!: SubscriptionHandlers
  #next = 0
  #paused = false
  #planned = false

  constructor(count: number) {
    this.#count = count
  }

  subscribe(_group: string, _start: unknown, handlers: SubscriptionHandlers): Promise<Subscription> {
    this.#handlers = handlers
    handlers.assigned(1, [{ partition: 0, position: 0 }])
    this.#plan()
    return Promise.resolve({
      pause: partitions => {
        if (partitions.length > 0) this.#paused = true
      },
      resume: () => {
        this.#paused = false
        this.#plan()
      },
      commit: () => Promise.resolve(),
      close: () => Promise.resolve(),
    })
  }

  #plan(): void {
    if (this.#planned || this.#paused || this.#next >= this.#count) return
    this.#planned = true
    setImmediate(() => {
      this.#planned = false
      const batch = recordsFrom(this.#next, Math.min(batchSize, this.#count - this.#next))
      this.#next += batch.length
      this.#handlers.records(1, 0, batch)
      this.#plan()
    })
  }
}

/** A pool without workers: what it gets has succeeded in the next turn. */
export class InstantPool {
  readonly version: FunctionVersion
  readonly state = 'ready'
  onFree: () => void = () => undefined
  #frames = 0

  constructor(version: string) {
    this.version = { name: 'bench', version, hash: version, concurrency: 8 } as FunctionVersion
  }

  get freeSlots(): number {
    return 2 - this.#frames
  }

  async run(frame: readonly Invocation[]): Promise<void> {
    this.#frames++
    await new Promise(resolve => setImmediate(resolve))
    for (const invocation of frame) invocation.settle(succeeded)
    this.#frames--
    this.onFree()
  }

  stats(): WorkerPoolStats {
    return { permits: 2, serviceTimeMs: 0.002, cpuShare: 1 } as WorkerPoolStats
  }

  get asPool(): WorkerPool {
    return this as unknown as WorkerPool
  }
}

/** A trigger that will dispatch `count` events, from memory to nowhere. */
export function benchTrigger(count: number, routes: RouteTable): TriggerDispatch {
  const feed = { trigger: 't', stream: 's', reader: createHomeEventReader(), headerDefaults: {} }
  const store: Pick<HomeStore, 'parkedKeys' | 'suspectsOf'> = {
    parkedKeys: () => Promise.resolve([]),
    suspectsOf: () => Promise.resolve([]),
  }
  return new TriggerDispatch({
    name: 't',
    uid: 't',
    group: 'trigger.t',
    log: new MemoryLog(count) as unknown as PartitionLog,
    start: 'earliest',
    feed,
    storedFeed: { ...feed },
    filter: undefined,
    ordering: 'key',
    skips: () => false,
    routes,
    sinkRetry: { maxAttempts: 1, initialDelayMs: 1, maxDelayMs: 1, jitter: 0 },
    parkAfterMs: 1_000,
    window: { maxEvents: 2_000, maxBytes: 16 * 1024 * 1024 },
    commitIntervalMs: 200,
    sinks: [],
    store: store as HomeStore,
    tracer: noTracer,
    logger: console,
    now: Date.now,
    random: Math.random,
  })
}
