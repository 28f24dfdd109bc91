import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { type FileLayer, nodeFileLayer } from '../../src/log/embedded/file-layer.ts'
import type { BenchRow } from '../bench-row.ts'

export interface AppendBenchOptions {
  readonly repetitions?: number
  /** Length of one measurement. */
  readonly durationMs?: number
  /** Where the files are written; a directory of its own is made in it and removed. */
  readonly directory?: string
}

interface Run {
  readonly recordsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly cpuUsPerRecord: number
  readonly writes: readonly number[]
  readonly records: number
}

/** The raw side is cut short after this: what it wrote until then is compared. */
const longestRawMs = 400

const cases = [
  { name: '1 appender of 200 B', appenders: 1, bytes: 200 },
  { name: '64 appenders of 200 B', appenders: 64, bytes: 200 },
  { name: '1,024 appenders of 200 B', appenders: 1_024, bytes: 200 },
  { name: '1,024 appenders of 1 KiB', appenders: 1_024, bytes: 1_024 },
]

/** Durable appends of concurrent appenders, beside write + fdatasync of the same bytes in the same groups. */
export async function run(options: AppendBenchOptions = {}): Promise<BenchRow[]> {
  const { repetitions = 9, durationMs = 400, directory = tmpdir() } = options
  const root = await mkdtemp(join(directory, 'sluice-bench-log-'))
  try {
    const rows: BenchRow[] = []
    for (const { name, appenders, bytes } of cases) {
      await measureOurs(join(root, 'warm-up'), appenders, bytes, 300)
      const pairs: { ours: Run; raw: number }[] = []
      for (let repetition = 0; repetition < repetitions; repetition++) {
        const ours = await measureOurs(join(root, `${appenders}-${bytes}-${repetition}`), appenders, bytes, durationMs)
        const raw = await measureRaw(join(root, 'raw'), ours)
        pairs.push({ ours, raw })
      }
      const of = (pick: (pair: { ours: Run; raw: number }) => number): number => median(pairs.map(pick))
      rows.push({
        name: `embedded log, ${name}`,
        ours: Math.round(of(({ ours }) => ours.recordsPerSecond)),
        raw: Math.round(of(({ raw }) => raw)),
        ratio: round(
          of(({ ours, raw }) => ours.recordsPerSecond / raw),
          3,
        ),
        unit: 'records/s',
        details: {
          p50Ms: round(
            of(({ ours }) => ours.p50Ms),
            3,
          ),
          p99Ms: round(
            of(({ ours }) => ours.p99Ms),
            3,
          ),
          mainThreadUsPerRecord: round(
            of(({ ours }) => ours.cpuUsPerRecord),
            3,
          ),
          bytesPerGroup: Math.round(of(({ ours }) => ours.writes.reduce((a, b) => a + b, 0) / ours.writes.length)),
        },
      })
    }
    return rows
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

async function measureOurs(directory: string, appenders: number, bytes: number, durationMs: number): Promise<Run> {
  const writes: number[] = []
  const log = await openEmbeddedLog({
    directory,
    stream: 'bench',
    partitionCount: 16,
    files: noting(writes),
    retentionIntervalMs: 0,
  })
  const record = { key: Buffer.from('device-0001'), header: Buffer.alloc(60, 1), value: Buffer.alloc(bytes - 71, 2) }
  writes.length = 0
  let count = 0
  const latencies: number[] = []
  const started = performance.now()
  const deadline = started + durationMs
  const idleBefore = performance.eventLoopUtilization()
  async function appender(partition: number): Promise<void> {
    for (;;) {
      const from = performance.now()
      if (from >= deadline) return
      await log.append(partition, [record])
      count += 1
      if ((count & 63) === 0) latencies.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: appenders }, (_, index) => appender(index % 16)))
  const elapsedMs = performance.now() - started
  const busyMs = performance.eventLoopUtilization(idleBefore).active
  await log.close()
  await rm(directory, { recursive: true })
  latencies.sort((a, b) => a - b)
  return {
    recordsPerSecond: (count / elapsedMs) * 1_000,
    p50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? 0,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
    cpuUsPerRecord: (busyMs * 1_000) / count,
    writes,
    records: count,
  }
}

/** Writes the very groups that the log wrote, one after the other, each synced: records/s that this would have been. */
async function measureRaw(directory: string, ours: Run): Promise<number> {
  await nodeFileLayer.makeDirectory(directory)
  const path = join(directory, 'raw.bin')
  const file = await nodeFileLayer.open(path, 'create')
  const source = Buffer.alloc(Math.max(...ours.writes), 7)
  let written = 0
  let position = 0
  const started = performance.now()
  for (const bytes of ours.writes) {
    await file.write([source.subarray(0, bytes)], position)
    await file.sync()
    position += bytes
    written += bytes
    if (performance.now() - started > longestRawMs) break
  }
  const elapsedMs = performance.now() - started
  await file.close()
  await rm(path)
  const total = ours.writes.reduce((a, b) => a + b, 0)
  return ((written / total) * ours.records * 1_000) / elapsedMs
}

/** The real file layer that notes the size of each write. */
function noting(writes: number[]): FileLayer {
  return {
    ...nodeFileLayer,
    async open(path, mode, options) {
      const file = await nodeFileLayer.open(path, mode, options)
      const write = file.write.bind(file)
      file.write = (buffers, position) => {
        writes.push(buffers.reduce((sum, buffer) => sum + buffer.length, 0))
        return write(buffers, position)
      }
      return file
    },
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? 0
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = await run()
  if (process.argv.includes('--json')) console.log(JSON.stringify(rows, undefined, 2))
  else
    for (const row of rows)
      console.log(`${row.name}: ${row.ours} of ${row.raw} ${row.unit} = ${row.ratio}`, row.details)
}
