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
import { median, rowOf, type BenchOptions, type BenchRow } from '../bench-row.ts'

export interface FramesBenchOptions extends BenchOptions {
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

/**
 * Frames of small events through one worker of ours, beside a plain worker that gets the same bytes by `postMessage`,
 * decodes the same entries, makes the same event of each, calls the same function and answers with a status byte and the
 * result per event. On both sides one frame is in the worker and the next one waits, encoded. The first row is the one
 * that counts: functions that return something are the rule.
 */
export async function run(options: FramesBenchOptions = {}): Promise<BenchRow[]> {
  const { repetitions = 5, durationMs = 1_000, eventsPerFrame = 256 } = options
  const frame = Array.from({ length: eventsPerFrame }, (_, offset) => new BenchInvocation(offset))
  const rows: BenchRow[] = []
  for (const handler of ['withResult', 'default']) {
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
    const kind = handler === 'withResult' ? 'a small result each' : 'no result'
    const pairs = ours.map(({ perSecond }, i) => ({ ours: perSecond, raw: (rawOne[i] as Measurement).perSecond }))
    rows.push(
      rowOf(`frames of ${eventsPerFrame} small events, 1 worker, ${kind}`, 'events/s', pairs, {
        'raw, two frames in the worker': Math.round(median(rawTwo.map(({ perSecond }) => perSecond))),
        'raw, parsed bodies only': Math.round(median(rawBare.map(({ perSecond }) => perSecond))),
        'main thread µs/event': micros(ours, 'mainMicros'),
        'main thread µs/event, raw': micros(rawOne, 'mainMicros'),
        'process µs/event': micros(ours, 'processMicros'),
        'process µs/event, raw': micros(rawOne, 'processMicros'),
        'process µs/event, raw, two frames in the worker': micros(rawTwo, 'processMicros'),
        'process µs/event, parsed bodies only': micros(rawBare, 'processMicros'),
      }),
    )
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

/** `depth` frames in the worker, and one more encoded, which is posted before the answer is read: as the pool does it. */
function rawFor(worker: Worker, frame: readonly Invocation[], durationMs: number, depth: number): Promise<Measurement> {
  return measure(durationMs, until => {
    const { promise, resolve } = Promise.withResolvers<number>()
    const encode = (): Buffer => encodeFrame(frame, { high: 1, low: 2 }, false)
    let events = 0
    let inFlight = 0
    let next = encode()
    const post = (): void => {
      worker.postMessage(next, [next.buffer as ArrayBuffer])
      inFlight++
    }
    const onAnswer = (answer: Uint8Array): void => {
      inFlight--
      const goesOn = performance.now() < until
      if (goesOn) post()
      const view = new DataView(answer.buffer)
      let at = 0
      while (at < answer.length) {
        if (answer[at++] !== 0) throw new Error('an event of the benchmark failed')
        // Without results an answer is as long as the frame; with results each has its length in front.
        if (answer.length > frame.length) at += 4 + view.getUint32(at, true)
        events++
      }
      if (goesOn) next = encode()
      else if (inFlight === 0) {
        worker.off('message', onAnswer)
        resolve(events)
      }
    }
    worker.on('message', onAnswer)
    for (let i = 0; i < depth; i++) {
      post()
      next = encode()
    }
    return promise
  })
}

function micros(measurements: readonly Measurement[], which: 'mainMicros' | 'processMicros'): number {
  return Math.round(median(measurements.map(measurement => measurement[which])) * 100) / 100
}

function versionOf(handler: string): FunctionVersion {
  return {
    name: 'bench',
    version: '1',
    hash: handler,
    file,
    handler,
    selfContained: false,
    labels: {},
    environment: {},
    secrets: {},
    bindings: {},
    timeoutMs: 30_000,
    concurrency: 8,
    memoryMiB: 128,
    maxResultBytes: 1024 * 1024,
    retry: { maxAttempts: 1, initialDelayMs: 1, maxDelayMs: 1, jitter: 0 },
    scaling: { minWorkers: 0, maxWorkers: 1, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000 },
  }
}

if (import.meta.main) console.log(JSON.stringify(await run(), null, 2))
