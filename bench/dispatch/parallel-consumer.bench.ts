import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { VersionDispatch } from '../../src/dispatch/version-dispatch.ts'
import { encodeEventHeader } from '../../src/events/event-header-codec.ts'
import type { FunctionVersion } from '../../src/functions/function-version.ts'
import { openEmbeddedLog, type EmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { unrestricted } from '../../src/sinks/result-policy.ts'
import { createWorkerPool } from '../../src/workers/piscina-pool.ts'
import { rowOf, type BenchOptions, type BenchRow } from '../bench-row.ts'
import { benchTrigger } from './dispatch-parts.ts'

const eventCount = 10_000
const keyCount = 1_000
const concurrency = 100
const longestWaitMs = 5
const batchEvents = 500

/**
 * The workload that parallel-consumer measures itself with: 10,000 records of 1,000 keys in one partition, each with 0 to
 * 5 ms of asynchronous work, 100 at a time. From the log on disk, in the order of keys, through one worker, to the last
 * commit. The raw limit does the same waits with 100 bare promises, without keys, log or worker.
 */
export async function run(options: BenchOptions = {}): Promise<BenchRow[]> {
  const { repetitions = 5 } = options
  const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-parallel-'))
  const log = await openEmbeddedLog({ directory, stream: 'records', partitionCount: 1 })
  try {
    await fill(log)
    const pairs: { ours: number; raw: number }[] = []
    await ours(log, 'warm-up')
    for (let repetition = 0; repetition < repetitions; repetition++) {
      const raw = await bare()
      pairs.push({ ours: await ours(log, `run-${repetition}`), raw })
    }
    const row = rowOf('10,000 records of 1,000 keys, 0 to 5 ms each, 100 at a time', 'events/s', pairs)
    return [{ ...row, details: { ...row.details, seconds: (eventCount / row.ours).toFixed(3) } }]
  } finally {
    await log.close()
    await rm(directory, { recursive: true })
  }
}

const waitOf = (at: number): number => ((at * 7919) % (longestWaitMs * 100)) / 100

async function fill(log: EmbeddedLog): Promise<void> {
  for (let at = 0; at < eventCount; at += batchEvents) {
    await log.append(
      0,
      Array.from({ length: batchEvents }, (_, index) => {
        const key = `k${(at + index) % keyCount}`
        return {
          key: Buffer.from(key),
          value: Buffer.from(JSON.stringify({ waitMs: waitOf(at + index) })),
          header: encodeEventHeader({
            id: `e-${at + index}`,
            source: '/bench',
            type: 'work',
            datacontenttype: 'application/json',
            partitionkey: key,
            acceptedAtMs: 1,
            hops: 0,
          }),
        }
      }),
    )
  }
}

async function ours(log: EmbeddedLog, group: string): Promise<number> {
  const pool = createWorkerPool(version)
  const engine = new VersionDispatch({ pool, maxWaitingInvocations: 1, onStarved: () => undefined })
  pool.setWorkers(1)
  const retry = { maxAttempts: 1, initialDelayMs: 1, maxDelayMs: 1, jitter: 0 }
  const targets = [{ engine, weight: 100, retry, policy: unrestricted }]
  const trigger = benchTrigger(eventCount, { targetsOf: () => targets }, { log, group })
  const startedMs = performance.now()
  await trigger.start(undefined)
  while (trigger.counters.succeeded + trigger.counters.failed < eventCount) await delay(1)
  const seconds = (performance.now() - startedMs) / 1_000
  if (trigger.counters.succeeded !== eventCount) throw new Error(`${trigger.counters.failed} events failed`)
  await trigger.stop(1_000)
  await pool.close(1_000)
  return eventCount / seconds
}

async function bare(): Promise<number> {
  let next = 0
  const startedMs = performance.now()
  const lane = async (): Promise<void> => {
    while (next < eventCount) await delay(waitOf(next++))
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
  return eventCount / ((performance.now() - startedMs) / 1_000)
}

const version: FunctionVersion = {
  name: 'bench',
  version: '1',
  hash: 'parallel-consumer',
  file: join(import.meta.dirname, 'wait-function.mjs'),
  handler: 'default',
  selfContained: false,
  labels: {},
  environment: {},
  secrets: {},
  bindings: {},
  timeoutMs: 30_000,
  concurrency,
  memoryMiB: 128,
  maxResultBytes: 1_048_576,
  retry: { maxAttempts: 1, initialDelayMs: 1, maxDelayMs: 1, jitter: 0 },
  scaling: { minWorkers: 0, maxWorkers: 1, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000 },
}

if (import.meta.main) console.log(JSON.stringify(await run(), null, 2))
