import { fileURLToPath } from 'node:url'
import { encodeEventHeader } from '../../src/events/event-header-codec.ts'
import { createHomeEventReader } from '../../src/events/home-event-reader.ts'
import type { FunctionVersion } from '../../src/functions/function-version.ts'
import type { BatchPart, Feed, Invocation, InvocationOutcome } from '../../src/workers/invocation.ts'
import type { WorkerPool } from '../../src/workers/worker-pool.ts'

export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/functions/${name}`, import.meta.url))
}

export function versionOf(file: string, changes: Partial<FunctionVersion> = {}): FunctionVersion {
  return {
    name: 'probe',
    version: '1',
    hash: file,
    file: fixture(file),
    handler: 'default',
    selfContained: false,
    labels: {},
    environment: {},
    secrets: {},
    bindings: {},
    timeoutMs: 5_000,
    concurrency: 8,
    memoryMiB: 64,
    maxResultBytes: 1024 * 1024,
    retry: { maxAttempts: 5, initialDelayMs: 200, maxDelayMs: 30_000, jitter: 0.2 },
    scaling: { minWorkers: 0, maxWorkers: 8, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000 },
    ...changes,
  }
}

export const feed: Feed = { trigger: 'on-probe', stream: 'probes', reader: createHomeEventReader(), headerDefaults: {} }

/** An invocation that remembers how it was settled and how often. */
export interface RecordedInvocation extends Invocation {
  readonly outcomes: InvocationOutcome[]
  readonly settled: Promise<InvocationOutcome>
}

export interface InvocationChanges {
  readonly followsPrevious?: boolean
  readonly traceparent?: string
  readonly contentType?: string
  readonly attempt?: number
  readonly epoch?: number
  readonly invocationId?: string
  readonly feed?: Feed
  readonly part?: BatchPart
}

let offsets = 0

export function invocationOf(data: unknown, changes: InvocationChanges = {}): RecordedInvocation {
  const offset = offsets++
  const outcomes: InvocationOutcome[] = []
  const { promise, resolve } = Promise.withResolvers<InvocationOutcome>()
  const value = data === undefined ? null : Buffer.isBuffer(data) ? data : Buffer.from(JSON.stringify(data))
  const header = encodeEventHeader({
    id: `event-${offset}`,
    source: '/test',
    type: 'test.probe',
    subject: 'subject',
    datacontenttype: changes.contentType ?? 'application/json',
    partitionkey: 'key-1',
    extensions: { tenant: 'a', level: 3 },
    acceptedAtMs: 1_700_000_000_000,
    hops: 0,
    protocol: { kind: 'http', method: 'POST', path: '/in', query: '', headers: { 'x-a': 'b' } },
  })
  return {
    feed: changes.feed ?? feed,
    record: { offset, timestampMs: 1_700_000_000_000, key: Buffer.from('key-1'), value, header, headers: null },
    partition: 3,
    attempt: changes.attempt ?? 1,
    epoch: changes.epoch ?? 7,
    traceparent: changes.traceparent,
    followsPrevious: changes.followsPrevious ?? false,
    ...(changes.invocationId === undefined ? {} : { invocationId: changes.invocationId }),
    part: changes.part,
    settle(outcome) {
      outcomes.push(outcome)
      resolve(outcome)
    },
    outcomes,
    settled: promise,
  }
}

/** Runs the frame and returns the outcomes; each must have been settled exactly once. */
export async function outcomesOf(pool: WorkerPool, frame: readonly RecordedInvocation[]): Promise<InvocationOutcome[]> {
  await pool.run(frame)
  return frame.map(({ outcomes }) => {
    if (outcomes.length !== 1) throw new Error(`settled ${outcomes.length} times: ${JSON.stringify(outcomes)}`)
    return outcomes[0]!
  })
}

export function jsonOf(outcome: InvocationOutcome | undefined): unknown {
  if (outcome?.kind !== 'succeeded') throw new Error(`did not succeed: ${JSON.stringify(outcome)}`)
  return outcome.results.map(result => JSON.parse(result.data.toString()) as unknown)
}

/** Resolves when the pool has room for a frame. */
export async function roomIn(pool: WorkerPool): Promise<void> {
  if (pool.freeSlots > 0 && pool.state === 'ready') return
  const { promise, resolve } = Promise.withResolvers<void>()
  pool.onFree = () => {
    if (pool.freeSlots > 0) resolve()
  }
  await promise
  pool.onFree = () => {}
}
