import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { rowOf, type BenchOptions, type BenchRow } from '../bench-row.ts'
import { body } from '../http/ingest.bench.ts'
import { hasWrk, load, startServer, type BenchServer, type HttpRequest } from '../http/load-generator.ts'

const functionFile = fileURLToPath(new URL('../gateway/small-function.mjs', import.meta.url))
const gatewayServer = fileURLToPath(new URL('../gateway/gateway-server.ts', import.meta.url))
const collectorServer = fileURLToPath(new URL('./collector-server.ts', import.meta.url))
const connections = 64
const warmUpMs = 1_000

const request: HttpRequest = { path: '/hook', headers: { 'content-type': 'application/json' }, body }

const settings = {
  sources: { hook: { type: 'http', path: '/hook', mapping: { type: 'com.example.order' } } },
  // One warm worker: what is measured is the journey, not the start of threads.
  functions: { small: { file: functionFile, scaling: { minWorkers: 1, maxWorkers: 1 } } },
  triggers: { done: { stream: 'hook', function: 'small', ordering: 'none' } },
}

/** How much is traced; undefined: tracing is off. The first is what the others are compared with, the second the noise. */
const cases: readonly { readonly name: string; readonly sampleRatio: number | undefined }[] = [
  { name: 'tracing off', sampleRatio: undefined },
  { name: 'tracing off, once more', sampleRatio: undefined },
  { name: 'tracing 1 %', sampleRatio: 0.01 },
  { name: 'tracing 100 %', sampleRatio: 1 },
]

interface Traced {
  readonly name: string
  readonly server: BenchServer
  accepted: number
  /** Of these so many before the measurement. */
  warm: number
  readonly rates: number[]
}

/** HTTP to done (durable, dispatched, processed) with more and more of it traced, each beside tracing off in the same run. */
export async function run({ repetitions = 5, durationMs = 3_000 }: BenchOptions = {}): Promise<BenchRow[]> {
  if (!(await hasWrk())) {
    console.error('tracing benches skipped: wrk is not installed (Debian: apt-get install wrk)')
    return []
  }
  await using collector = await startServer(collectorServer)
  await using servers = new AsyncDisposableStack()
  const gateways: Traced[] = []
  for (const { name, sampleRatio } of cases) {
    const server = servers.use(await startTraced(sampleRatio, `http://127.0.0.1:${collector.port}`))
    const gateway: Traced = { name, server, accepted: 0, warm: 0, rates: [] }
    await rateOf(gateway, warmUpMs)
    gateway.warm = gateway.accepted
    server.mark()
    gateways.push(gateway)
  }
  for (let repetition = 0; repetition < repetitions; repetition++) {
    // Each in every place of the order: what came before leaves its mark.
    for (let turn = 0; turn < gateways.length; turn++) {
      const gateway = gateways[(repetition + turn) % gateways.length] as Traced
      gateway.rates.push(await rateOf(gateway, durationMs))
    }
  }
  const [off, ...others] = gateways as [Traced, ...Traced[]]
  const offCpuUs = await cpuUsPerEvent(off)
  const rows: BenchRow[] = []
  for (const gateway of others) {
    const spansDropped = await droppedBy(gateway.server)
    const cpuUs = await cpuUsPerEvent(gateway)
    const pairs = gateway.rates.map((ours, index) => ({ ours, raw: off.rates[index] as number }))
    const details = { connections, spansDropped, cpuUsPerEvent: round(cpuUs), cpuRatio: round(cpuUs / offCpuUs) }
    rows.push(rowOf(`${gateway.name}: HTTP 202 to done`, 'events/s', pairs, details))
  }
  return rows
}

async function startTraced(sampleRatio: number | undefined, collector: string): Promise<BenchServer> {
  const telemetry = sampleRatio === undefined ? { traces: 'off' } : { traces: 'on', sampleRatio }
  // The server inherits what it exports to; nobody else is to.
  process.env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] = `${collector}/v1/traces`
  try {
    return await startServer(gatewayServer, [JSON.stringify({ ...settings, telemetry })])
  } finally {
    delete process.env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']
  }
}

/** Events a second from the first request to the completion of the last event. */
async function rateOf(gateway: Traced, durationMs: number): Promise<number> {
  const startedAt = performance.now()
  const { requests, failures } = await load(gateway.server.port, request, connections, durationMs)
  if (failures > 0) throw new Error(`${failures} requests failed`)
  gateway.accepted += requests
  await untilProcessed(gateway.server.port, gateway.accepted)
  return requests / ((performance.now() - startedAt) / 1_000)
}

/** CPU time of all threads of the gateway: says what tracing costs even where the machine has other things to do. Ends it. */
async function cpuUsPerEvent({ server, accepted, warm }: Traced): Promise<number> {
  const { cpuUs } = await server.stop()
  return cpuUs / (accepted - warm)
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000
}

/** More than wrk saw answered is possible. */
async function untilProcessed(port: number, accepted: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/triggers/done`)
    const { succeeded, lag, failed } = (await answer.json()) as {
      succeeded: number
      lag: number | null
      failed: number
    }
    if (failed > 0) throw new Error(`${failed} events failed: the function does not fit the load`)
    if (succeeded >= accepted && lag === 0) return
    await wait(10)
  }
}

async function droppedBy({ port }: BenchServer): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(/^sluice_spans_dropped(?:_total)?(?:\{[^}]*\})? (\d+)/m.exec(page)?.[1] ?? 0)
}
