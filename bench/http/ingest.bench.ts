import { createHmac } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { hasWrk, load, startServer, type HttpRequest, type LoadResult } from './load-generator.ts'
import type { BenchRow } from '../bench-row.ts'

export interface IngestBenchOptions {
  readonly repetitions?: number
  /** Length of one measurement, in whole seconds at least one. */
  readonly durationMs?: number
  readonly connections?: number
}

export interface IngestCase {
  readonly name: string
  /** Script of the server, beside this file. */
  readonly script: string
  /** Configuration of the source. */
  readonly source: object
  readonly request: HttpRequest
}

/** 199 bytes, as the other benches have them. */
export const body = JSON.stringify({
  id: '5f1c2f8a-9d3e-4a5b-8c7d-6e5f4a3b2c1d',
  type: 'com.example.order.paid',
  time: '2026-01-01T12:00:00.000Z',
  data: { customer: 'customer-000042', amount: 1250, currency: 'EUR', items: 3, status: 'paid', n: 10 },
})

const json: HttpRequest = { path: '/hook', headers: { 'content-type': 'application/json' }, body }
const mapping = { type: 'com.example.order' }
const secret = 'bench-secret'

export const durableCases: readonly IngestCase[] = [
  { name: 'HTTP 202 after durable append', script: 'durable-server.ts', source: { mapping }, request: json },
  {
    name: 'the same, key from the body by JSON pointer',
    script: 'durable-server.ts',
    source: { mapping: { ...mapping, partitionkey: { pointer: '/data/customer' } } },
    request: json,
  },
  {
    name: 'the same, binary CloudEvent with a key',
    script: 'durable-server.ts',
    source: {},
    request: {
      ...json,
      headers: {
        ...json.headers,
        'ce-specversion': '1.0',
        'ce-id': '5f1c2f8a-9d3e-4a5b-8c7d-6e5f4a3b2c1d',
        'ce-source': '/shop',
        'ce-type': 'com.example.order.paid',
        'ce-partitionkey': 'customer-000042',
      },
    },
  },
  {
    name: 'the same, HMAC verified',
    script: 'durable-server.ts',
    source: {
      mapping,
      deduplicate: false,
      verify: {
        scheme: 'hmac',
        secrets: [secret],
        header: 'x-signature',
        algorithm: 'sha256',
        encoding: 'hex',
        prefix: '',
        toleranceMs: 300_000,
      },
    },
    request: {
      ...json,
      headers: { ...json.headers, 'x-signature': createHmac('sha256', secret).update(body).digest('hex') },
    },
  },
]

/** Ingest beside bare Fastify that answers 202 to the same raw body; wrk and both servers in processes of their own. */
export async function run(options: IngestBenchOptions = {}): Promise<BenchRow[]> {
  return runCases(durableCases, options)
}

export async function runCases(cases: readonly IngestCase[], options: IngestBenchOptions = {}): Promise<BenchRow[]> {
  const { repetitions = 5, durationMs = 2_000, connections = 64 } = options
  if (!(await hasWrk())) {
    console.log('HTTP benches skipped: wrk is not installed (Debian: apt-get install wrk)')
    return []
  }
  const rows: BenchRow[] = []
  for (const { name, script, source, request } of cases) {
    await using bare = await startServer(beside('bare-fastify-server.ts'))
    await using sluice = await startServer(beside(script), [JSON.stringify(source)])
    await load(bare.port, request, connections, 1_000)
    let answered = (await load(sluice.port, request, connections, 1_000)).requests
    bare.mark()
    sluice.mark()
    const pairs: { ours: LoadResult; raw: LoadResult }[] = []
    for (let repetition = 0; repetition < repetitions; repetition++) {
      const raw = await load(bare.port, request, connections, durationMs)
      const ours = await load(sluice.port, request, connections, durationMs)
      if (ours.failures + raw.failures > 0)
        throw new Error(`${name}: ${ours.failures} of ours and ${raw.failures} of raw failed`)
      answered += ours.requests
      pairs.push({ ours, raw })
    }
    const { taken: kept, cpuUs } = await sluice.stop()
    const sum = (of: 'ours' | 'raw'): number => pairs.reduce((total, pair) => total + pair[of].requests, 0)
    const cpuUsPerRequest = cpuUs / sum('ours')
    const rawCpuUsPerRequest = (await bare.stop()).cpuUs / sum('raw')
    if (kept < answered)
      throw new Error(`${name}: ${answered} requests were answered 202 and only ${kept} are in the log`)
    const of = (pick: (pair: { ours: LoadResult; raw: LoadResult }) => number): number => median(pairs.map(pick))
    rows.push({
      name,
      ours: Math.round(of(pair => pair.ours.requestsPerSecond)),
      raw: Math.round(of(pair => pair.raw.requestsPerSecond)),
      ratio: of(pair => pair.ours.requestsPerSecond / pair.raw.requestsPerSecond),
      unit: 'requests/s',
      details: {
        connections,
        // On a busy machine the rates say little; the CPU time of a request still does.
        oursCpuUsPerRequest: round(cpuUsPerRequest),
        rawCpuUsPerRequest: round(rawCpuUsPerRequest),
        cpuRatio: round(rawCpuUsPerRequest / cpuUsPerRequest),
        oursP50Ms: of(pair => pair.ours.p50Ms),
        oursP99Ms: of(pair => pair.ours.p99Ms),
        rawP50Ms: of(pair => pair.raw.p50Ms),
        rawP99Ms: of(pair => pair.raw.p99Ms),
      },
    })
  }
  return rows
}

const beside = (script: string): string => fileURLToPath(new URL(script, import.meta.url))

const round = (value: number): number => Math.round(value * 100) / 100

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { details, ...row } of await run({ repetitions: Number(process.argv[2] ?? 3) })) console.log(row, details)
}
