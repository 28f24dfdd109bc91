import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { encodeEventHeader } from '../../src/events/event-header-codec.ts'
import { createHomeEventReader } from '../../src/events/home-event-reader.ts'
import type { FunctionVersion } from '../../src/functions/function-version.ts'
import { checkFunction } from '../../src/workers/check-module.ts'
import { createWorkerPool } from '../../src/workers/piscina-pool.ts'
import { median, rowOf, type BenchOptions, type BenchRow } from '../bench-row.ts'

const bundleBytes = 200_000

interface Measurement {
  readonly checkMs: number
  readonly startMs: number
  readonly cpuMs: number
}

/**
 * From a bundle of 200 kB that nobody has seen before to its first processed event: the check in a worker of its own, then
 * a worker of its pool. Beside it a bare worker thread that imports the same bundle and calls it once, twice, too.
 * Milliseconds, so less is better.
 */
export async function run({ repetitions = 9 }: BenchOptions = {}): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-cold-start-'))
  try {
    const bundles = await Promise.all(Array.from({ length: 3 * repetitions + 1 }, (_, i) => writeBundle(folder, i)))
    const next = (): string => bundles.pop() as string
    // Fills the cache with the worker's own modules, which any worker of the last days has done.
    const cache = join(folder, 'cache')
    await oursOf(next(), cache)
    const ours: Measurement[] = []
    const without: Measurement[] = []
    const raw: number[] = []
    for (let i = 0; i < repetitions; i++) {
      ours.push(await oursOf(next(), cache))
      // A cache that cannot be a folder is none.
      without.push(await oursOf(next(), join(bundles[0] as string, 'none')))
      raw.push(await rawOf(next()))
    }
    const totals = ours.map(({ checkMs, startMs }, i) => ({ ours: checkMs + startMs, raw: raw[i] as number }))
    const medianOf = (of: readonly Measurement[], what: keyof Measurement): number =>
      Math.round(median(of.map(measurement => measurement[what])))
    return [
      rowOf('new bundle of 200 kB to its first event (less is better)', 'ms', totals, {
        'check ms': medianOf(ours, 'checkMs'),
        'start and first event ms': medianOf(ours, 'startMs'),
        'CPU ms': medianOf(ours, 'cpuMs'),
        'without cache: check ms': medianOf(without, 'checkMs'),
        'without cache: start and first event ms': medianOf(without, 'startMs'),
        'without cache: CPU ms': medianOf(without, 'cpuMs'),
      }),
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Each has names of its own, as real bundles do, so that no cache knows it. */
async function writeBundle(folder: string, number: number): Promise<string> {
  const parts = [`export default event => part0(event.data)(1).length\n`]
  let bytes = 0
  for (let i = 0; bytes < bundleBytes; i++) {
    const part = `function part${i}(data) { const names${number} = { a: data, b: [${i}, 'text ${number}'] }; return i => names${number}.b.map(x => [x, i, part${i}]) }\n`
    bytes += part.length
    parts.push(part)
  }
  const file = join(folder, `bundle-${number}`, 'index.mjs')
  await mkdir(join(folder, `bundle-${number}`))
  await writeFile(file, parts.join(''))
  return file
}

async function oursOf(file: string, compileCacheDirectory: string): Promise<Measurement> {
  const version = versionOf(file)
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  await checkFunction(version, { compileCacheDirectory })
  const checkedAt = performance.now()
  const pool = createWorkerPool(version, { compileCacheDirectory })
  pool.setWorkers(1)
  await firstEvent(run => pool.run([run]))
  const endedAt = performance.now()
  const { user, system } = process.cpuUsage(cpu)
  await pool.close(0)
  return { checkMs: checkedAt - startedAt, startMs: endedAt - checkedAt, cpuMs: (user + system) / 1000 }
}

async function firstEvent(
  run: (invocation: Parameters<ReturnType<typeof createWorkerPool>['run']>[0][0]) => Promise<void>,
): Promise<void> {
  const header = encodeEventHeader({
    id: 'e',
    source: '/bench',
    type: 't',
    datacontenttype: 'application/json',
    acceptedAtMs: 1,
    hops: 0,
  })
  let kind = 'open'
  await run({
    feed: { trigger: 'bench', stream: 'bench', reader: createHomeEventReader(), headerDefaults: {} },
    record: { offset: 0, timestampMs: 1, key: null, value: Buffer.from('{}'), header, headers: null },
    partition: 0,
    attempt: 1,
    epoch: 1,
    traceparent: undefined,
    followsPrevious: false,
    settle: outcome => (kind = outcome.kind),
  })
  if (kind !== 'succeeded') throw new Error(`the first event ${kind}`)
}

async function rawOf(file: string): Promise<number> {
  const startedAt = performance.now()
  for (let i = 0; i < 2; i++) {
    const code = `import(${JSON.stringify(file)}).then(m => { m.default({ data: {} }); require('node:worker_threads').parentPort.postMessage(1) })`
    const worker = new Worker(code, { eval: true })
    await once(worker, 'message')
    await worker.terminate()
  }
  return performance.now() - startedAt
}

function versionOf(file: string): FunctionVersion {
  return {
    name: 'bench',
    version: '1',
    hash: file,
    file,
    handler: 'default',
    selfContained: true,
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
