import { once } from 'node:events'
import { pathToFileURL, fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { encodeEventHeader } from '../../src/events/event-header-codec.ts'
import { createHomeEventReader } from '../../src/events/home-event-reader.ts'
import type { FunctionVersion } from '../../src/functions/function-version.ts'
import { encodeFrame } from '../../src/workers/frame-codec.ts'
import type { Feed, Invocation, InvocationOutcome } from '../../src/workers/invocation.ts'
import { createWorkerPool } from '../../src/workers/piscina-pool.ts'
import type { WorkerPool } from '../../src/workers/worker-pool.ts'

export interface BenchRow {
  readonly name: string
  readonly ours: number
  readonly raw: number
  readonly ratio: number
  readonly unit: string
  readonly details: Readonly<Record<string, number | string>>
}

export interface BenchOptions {
  /** Interleaved repetitions; the median counts. Default 5. */
  readonly repetitions?: number
  /** Length of one measurement. Default 1,000 ms. */
  readonly durationMs?: number
  /** Default 256. */
  readonly eventsPerFrame?: number
}

const file = fileURLToPath(new URL('./small-function.mjs', import.meta.url))
const feed: Feed = { trigger: 'bench', stream: 'bench', reader: createHomeEventReader(), headerDefaults: {} }

let settled = 0

class BenchInvocation implements Invocation {
  readonly feed = feed
  readonly record: Invocation['record']
  readonly partition = 0
  readonly attempt = 1
  readonly epoch = 1
  readonly traceparent = undefined
  readonly followsPrevious = false

  constructor(offset: number) {
    const value = Buffer.from(
      JSON.stringify({
        device: `device-${offset % 500}`,
        celsius: 20 + (offset % 15),
        site: 'hall-4',
        note: 'x'.repeat(110),
        at: 1_700_000_000,
      }),
    )
    const header = encodeEventHeader({
      id: `e-${offset}`,
      source: '/bench',
      type: 'reading',
      datacontenttype: 'application/json',
      acceptedAtMs: 1,
      hops: 0,
    })
    this.record = { offset, timestampMs: 1, key: Buffer.from(`device-${offset % 500}`), value, header, headers: null }
  }

  settle(outcome: InvocationOutcome): void {
    if (outcome.kind !== 'succeeded') throw new Error(`an event of the benchmark ${outcome.kind}`)
    settled++
  }
}

interface Measurement {
  readonly perSecond: number
  readonly mainMicros: number
  readonly processMicros: number
}

/** Frames of small events through one worker of ours, beside a bare `postMessage` loop with the same frames. */
export async function run(options: BenchOptions = {}): Promise<BenchRow[]> {
  const { repetitions = 5, durationMs = 1_000, eventsPerFrame = 256 } = options
  const frame = Array.from({ length: eventsPerFrame }, (_, offset) => new BenchInvocation(offset))
  const rows: BenchRow[] = []
  for (const handler of ['default', 'withResult']) {
    const pool = createWorkerPool(versionOf(handler))
    pool.setWorkers(1)
    const raw = await rawWorker(handler, true)
    const bare = await rawWorker(handler, false)
    await oursFor(pool, frame, durationMs / 2)
    await rawFor(raw, frame, durationMs / 2, 1)
    await rawFor(bare, frame, durationMs / 2, 1)
    const ours: Measurement[] = []
    const rawOne: Measurement[] = []
    const rawTwo: Measurement[] = []
    const rawBare: Measurement[] = []
    for (let repetition = 0; repetition < repetitions; repetition++) {
      rawOne.push(await rawFor(raw, frame, durationMs, 1))
      ours.push(await oursFor(pool, frame, durationMs))
      rawTwo.push(await rawFor(raw, frame, durationMs, 2))
      rawBare.push(await rawFor(bare, frame, durationMs, 1))
    }
    await pool.close(1_000)
    await raw.terminate()
    await bare.terminate()
    const us = median(ours)
    const best = median(rawOne)
    const deep = median(rawTwo)
    const least = median(rawBare)
    rows.push({
      name: `frames of ${eventsPerFrame} small events, 1 worker, ${handler === 'default' ? 'no result' : 'a small result each'}`,
      ours: Math.round(us.perSecond),
      raw: Math.round(best.perSecond),
      ratio: round(us.perSecond / best.perSecond),
      unit: 'events/s',
      details: {
        'raw, two frames in flight': Math.round(deep.perSecond),
        'ratio to that': round(us.perSecond / deep.perSecond),
        'raw, parsed bodies only': Math.round(least.perSecond),
        'ratio to parsed bodies only': round(us.perSecond / least.perSecond),
        'main thread µs/event': round(us.mainMicros),
        'main thread µs/event, raw': round(best.mainMicros),
        'process µs/event': round(us.processMicros),
        'process µs/event, raw': round(best.processMicros),
        'process µs/event, parsed bodies only': round(least.processMicros),
      },
    })
  }
  return rows
}

async function rawWorker(handler: string, events: boolean): Promise<Worker> {
  const worker = new Worker(new URL('./raw-worker.ts', import.meta.url), {
    workerData: { file: pathToFileURL(file).href, handler, events },
  })
  await once(worker, 'message')
  return worker
}

async function measure(durationMs: number, work: (until: number) => Promise<number>): Promise<Measurement> {
  const threadCpu = process.threadCpuUsage()
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  const events = await work(startedAt + durationMs)
  const seconds = (performance.now() - startedAt) / 1000
  const main = process.threadCpuUsage(threadCpu)
  const all = process.cpuUsage(cpu)
  return {
    perSecond: events / seconds,
    mainMicros: (main.user + main.system) / events,
    processMicros: (all.user + all.system) / events,
  }
}

function oursFor(pool: WorkerPool, frame: readonly Invocation[], durationMs: number): Promise<Measurement> {
  return measure(durationMs, async until => {
    const before = settled
    const keepRunning = async (): Promise<void> => {
      while (performance.now() < until) await pool.run(frame)
    }
    // As dispatch does it: one frame in the worker, one waiting.
    await Promise.all([keepRunning(), keepRunning()])
    return settled - before
  })
}

function rawFor(worker: Worker, frame: readonly Invocation[], durationMs: number, depth: number): Promise<Measurement> {
  return measure(durationMs, until => {
    const { promise, resolve } = Promise.withResolvers<number>()
    let events = 0
    let inFlight = 0
    const post = (): void => {
      const bytes = encodeFrame(frame, { high: 1, low: 2 }, false)
      worker.postMessage(bytes, [bytes.buffer as ArrayBuffer])
      inFlight++
    }
    const onAnswer = (answer: Uint8Array): void => {
      inFlight--
      let at = 0
      while (at < answer.length) {
        if (answer[at++] !== 0) throw new Error('an event of the benchmark failed')
        // Without results an answer is as long as the frame; with results each has its length in front.
        if (answer.length > frame.length) at += 4 + new DataView(answer.buffer).getUint32(at, true)
        events++
      }
      if (performance.now() < until) post()
      else if (inFlight === 0) {
        worker.off('message', onAnswer)
        resolve(events)
      }
    }
    worker.on('message', onAnswer)
    for (let i = 0; i < depth; i++) post()
    return promise
  })
}

function median(measurements: readonly Measurement[]): Measurement {
  const sorted = measurements.toSorted((a, b) => a.perSecond - b.perSecond)
  return sorted[sorted.length >> 1] as Measurement
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

function versionOf(handler: string): FunctionVersion {
  return {
    name: 'bench',
    version: '1',
    hash: handler,
    file,
    handler,
    environment: {},
    secrets: {},
    timeoutMs: 30_000,
    concurrency: 8,
    memoryMiB: 128,
    maxResultBytes: 1024 * 1024,
    retry: { maxAttempts: 1, initialDelayMs: 1, maxDelayMs: 1, jitter: 0 },
    scaling: { minWorkers: 0, maxWorkers: 1, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000 },
  }
}

if (import.meta.main) console.log(JSON.stringify(await run(), null, 2))
