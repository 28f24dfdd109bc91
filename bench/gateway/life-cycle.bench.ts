import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { parseConfig } from '../../src/config/load-config.ts'
import { createGateway } from '../../src/gateway.ts'
import { openLocalRegistry } from '../../src/registry/local-registry.ts'
import { median, rowOf, type BenchOptions, type BenchRow } from '../bench-row.ts'
import { body } from '../http/ingest.bench.ts'
import { hasWrk, load, startServer, type HttpRequest } from '../http/load-generator.ts'
import { thousandFunctions } from '../registry/thousand-functions.ts'

const gatewayServer = fileURLToPath(new URL('./gateway-server.ts', import.meta.url))
const connections = 64
const bundleBytes = 200_000

/** The life cycle of functions on a running gateway. */
export async function run(options: BenchOptions = {}): Promise<BenchRow[]> {
  const rows = [...(await createAndMove(options)), await startWithThousand(options)]
  if (await hasWrk()) rows.unshift(await asynchronous(options))
  else
    console.error('the row of asynchronous invocations is skipped: wrk is not installed (Debian: apt-get install wrk)')
  return rows
}

/** Asynchronous invocations beside an HTTP source on the same gateway: both answer 202 after a durable append. */
async function asynchronous({ repetitions = 5, durationMs = 3_000 }: BenchOptions): Promise<BenchRow> {
  const source = { type: 'http', path: '/hook', mapping: { type: 'com.example.order' } }
  await using gateway = await startServer(gatewayServer, [JSON.stringify({ sources: { hook: source } })])
  const put = { definition: {}, code: { module: 'export default () => undefined' } }
  await call(gateway.port, 'PUT', '/v1/functions/small', put)
  // Their events wait, so that both rows end at the append.
  await call(gateway.port, 'POST', '/v1/functions/small/disable')
  const headers = { 'content-type': 'application/json' }
  const invocation: HttpRequest = { path: '/v1/functions/small/invocations?mode=async', headers, body }
  const event: HttpRequest = { path: '/hook', headers, body }
  await load(gateway.port, event, connections, 1_000)
  await load(gateway.port, invocation, connections, 1_000)
  const pairs: { ours: number; raw: number }[] = []
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const raw = await load(gateway.port, event, connections, durationMs)
    const ours = await load(gateway.port, invocation, connections, durationMs)
    if (raw.failures + ours.failures > 0) throw new Error(`${raw.failures} and ${ours.failures} requests failed`)
    pairs.push({ ours: ours.requestsPerSecond, raw: raw.requestsPerSecond })
  }
  return rowOf('asynchronous invocation, beside an HTTP source', 'answers/s', pairs, { connections })
}

/** From the request that creates a function to its first processed event; from the request that moves an alias to the first event there. */
async function createAndMove({ repetitions = 5 }: BenchOptions): Promise<BenchRow[]> {
  const seen: { waiting: ((version: string) => void) | undefined } = { waiting: undefined }
  const receiver = createServer((request, response) => {
    seen.waiting?.(request.headers['x-version'] as string)
    request.resume().on('end', () => response.writeHead(204).end())
  })
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  const source = { type: 'http', path: '/hook', mapping: { type: 't', partitionkey: { pointer: '/key' } } }
  await using gateway = await startServer(gatewayServer, [JSON.stringify({ sources: { hook: source } })])
  const { port } = gateway
  // What a bundle of that size costs is parsing it.
  const padding = Array.from({ length: 2_000 }, (_, i) => `const f${i} = (a, b) => ({ a, b, sum: a + b + ${i} })`).join(
    '\n',
  )
  const module = (mark: string) =>
    `${padding}\n// ${mark.padEnd(Math.max(0, bundleBytes - padding.length - 300), '.')}
    export default async (event, context) => { await fetch('${url}', { headers: { 'x-version': context.version } }) }`
  const arrival = (version: string): Promise<void> =>
    new Promise(resolve => (seen.waiting = found => void (found === version && resolve())))

  const createMs: number[] = []
  const moveMs: number[] = []
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const name = `f${repetition}`
    await call(port, 'POST', '/hook', { key: 'waits' })
    const created = arrival('latest')
    const startedAt = performance.now()
    await call(port, 'PUT', `/v1/functions/${name}`, { definition: {}, code: { module: module('one') }, publish: {} })
    await call(port, 'PUT', `/v1/triggers/${name}`, { stream: 'hook', function: name, start: 'earliest' })
    await created
    createMs.push(performance.now() - startedAt)
    await call(port, 'PUT', `/v1/functions/${name}`, { definition: {}, code: { module: module('two') }, publish: {} })
    for (const version of [1, 2]) {
      // Both are warm, so that the move is measured and not the start of a worker.
      await call(port, 'PUT', `/v1/functions/${name}/aliases/live`, { weights: [{ version, weight: 100 }] })
      await call(port, 'POST', `/v1/functions/${name}/invocations?version=${version}`, { key: 'warm' })
    }
    const onOld = arrival('2')
    await call(port, 'PUT', `/v1/triggers/${name}`, { stream: 'hook', function: `${name}@live`, start: 'earliest' })
    await call(port, 'POST', '/hook', { key: 'old' })
    await onOld
    const onNew = arrival('1')
    const movedAt = performance.now()
    await call(port, 'PUT', `/v1/functions/${name}/aliases/live`, { weights: [{ version: 1, weight: 100 }] })
    await call(port, 'POST', '/hook', { key: 'new' })
    await onNew
    moveMs.push(performance.now() - movedAt)
    await call(port, 'DELETE', `/v1/triggers/${name}`)
  }
  receiver.close()
  const row = (name: string, values: readonly number[], raw: number): BenchRow => ({
    name,
    unit: 'ms (aim as raw)',
    ours: Math.round(median(values)),
    raw,
    ratio: Math.round((median(values) / raw) * 1000) / 1000,
    details: { repetitions: values.length, slowest: Math.round(Math.max(...values)) },
  })
  return [
    row(`create a function of ${bundleBytes / 1000} kB, to its first processed event`, createMs, 1_000),
    row('move an alias, to the first event on the other version', moveMs, 100),
  ]
}

/** A start with 1,000 functions of 10 versions each, and the list of all of them. */
async function startWithThousand({ repetitions = 5 }: BenchOptions): Promise<BenchRow> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-start-'))
  try {
    const registry = await openLocalRegistry({ dir: join(directory, 'registry'), onFatal: fail, onWarning: () => {} })
    const changes = [...thousandFunctions()]
    for (let at = 0; at < changes.length; at += 500) await registry.transact('bench', () => changes.slice(at, at + 500))
    await registry.close()
    const text = `dataDir: ${directory}\nhttp: { port: 0 }\nmqtt: { enabled: false }`
    const times: number[] = []
    for (let repetition = 0; repetition < repetitions; repetition++) {
      const config = parseConfig(text, join(directory, 'sluice.yaml'), { environment: {} })
      const gateway = createGateway(config, { logger: pino({ level: 'silent' }), version: 'bench', onFatal: fail })
      const startedAt = performance.now()
      const { http } = await gateway.start()
      const { items } = (await (await fetch(`${http}/v1/functions?limit=1000`)).json()) as { items: unknown[] }
      times.push(performance.now() - startedAt)
      if (items.length !== 1_000) throw new Error(`${items.length} functions are there`)
      await gateway.stop({ drainMs: 0, reason: 'bench' })
    }
    return {
      name: 'start and list 1,000 functions of 10 versions',
      unit: 'ms (aim as raw)',
      ours: Math.round(median(times)),
      raw: 2_000,
      ratio: Math.round((median(times) / 2_000) * 1000) / 1000,
      details: { repetitions: times.length, slowest: Math.round(Math.max(...times)) },
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function call(port: number, method: string, path: string, json?: unknown): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    ...(json === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(json) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`)
}

function fail(error: unknown): never {
  console.error(error)
  process.exit(1)
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(await run({ repetitions: Number(process.argv[2] ?? 3) }))
