import { setImmediate as nextTurn } from 'node:timers/promises'
import { VersionDispatch } from '../../src/dispatch/version-dispatch.ts'
import { unrestricted } from '../../src/sinks/result-policy.ts'
import type { Invocation } from '../../src/workers/invocation.ts'
import { createHomeEventReader } from '../../src/events/home-event-reader.ts'
import { median, rowOf, type BenchOptions, type BenchRow } from '../bench-row.ts'
import { benchTrigger, InstantPool, recordsFrom } from './dispatch-parts.ts'

const eventCount = 400_000
const frameEvents = 1_024

interface Measurement {
  readonly perSecond: number
  readonly cpuNanos: number
}

/**
 * What dispatch itself costs per event: order, frames, offsets, statistics, the choice of a version. From memory to a
 * pool that runs nothing. The raw limit makes the same records and settles them in frames of the same size.
 */
export async function run(options: BenchOptions = {}): Promise<BenchRow[]> {
  const { repetitions = 5 } = options
  const rows: BenchRow[] = []
  for (const weights of [[100], [90, 10], [50, 30, 20]]) {
    await ours(weights)
    await raw()
    const measured: Measurement[] = []
    const limits: Measurement[] = []
    for (let repetition = 0; repetition < repetitions; repetition++) {
      limits.push(await raw())
      measured.push(await ours(weights))
    }
    const pairs = measured.map(({ perSecond }, i) => ({ ours: perSecond, raw: (limits[i] as Measurement).perSecond }))
    const name = weights.length === 1 ? 'one version' : `${weights.length} versions, ${weights.join('/')}`
    rows.push(
      rowOf(`dispatch from memory to nowhere, ${name}`, 'events/s', pairs, {
        'CPU ns/event': Math.round(median(measured.map(({ cpuNanos }) => cpuNanos))),
        'CPU ns/event, raw': Math.round(median(limits.map(({ cpuNanos }) => cpuNanos))),
      }),
    )
  }
  return rows
}

async function ours(weights: readonly number[]): Promise<Measurement> {
  const targets = weights.map((weight, index) => ({
    engine: new VersionDispatch({
      pool: new InstantPool(String(index + 1)).asPool,
      maxWaitingInvocations: 1,
      onStarved: () => undefined,
    }),
    weight,
    retry: { maxAttempts: 1, initialDelayMs: 1, maxDelayMs: 1, jitter: 0 },
    policy: unrestricted,
  }))
  const trigger = benchTrigger(eventCount, { targetsOf: () => targets })
  const measurement = await measure(async () => {
    await trigger.start(undefined)
    while (trigger.counters.succeeded < eventCount) await nextTurn()
  })
  await trigger.stop(1_000)
  return measurement
}

async function raw(): Promise<Measurement> {
  const pool = new InstantPool('raw')
  const feed = { trigger: 't', stream: 's', reader: createHomeEventReader(), headerDefaults: {} }
  let settled = 0
  const settle = (): void => void settled++
  return measure(async () => {
    for (let offset = 0; offset < eventCount; offset += frameEvents) {
      const frame = recordsFrom(offset, frameEvents).map((record): Invocation => ({
        feed,
        record,
        partition: 0,
        attempt: 1,
        epoch: 1,
        traceparent: undefined,
        followsPrevious: false,
        settle,
      }))
      await pool.run(frame)
    }
    if (settled < eventCount) throw new Error('an event of the benchmark was lost')
  })
}

async function measure(work: () => Promise<void>): Promise<Measurement> {
  const cpuBefore = process.threadCpuUsage()
  const startedAt = performance.now()
  await work()
  const elapsedMs = performance.now() - startedAt
  const { user, system } = process.threadCpuUsage(cpuBefore)
  return { perSecond: (eventCount / elapsedMs) * 1000, cpuNanos: ((user + system) * 1000) / eventCount }
}

if (import.meta.main) console.log(JSON.stringify(await run(), null, 2))
