import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { rowOf, type BenchOptions, type BenchRow } from '../bench-row.ts'
import { body } from '../http/ingest.bench.ts'
import { hasWrk, load, startServer, type HttpRequest } from '../http/load-generator.ts'

const functionFile = fileURLToPath(new URL('./small-function.mjs', import.meta.url))
const bareServer = fileURLToPath(new URL('../http/bare-fastify-server.ts', import.meta.url))
const gatewayServer = fileURLToPath(new URL('./gateway-server.ts', import.meta.url))
const connections = 64

const request: HttpRequest = { path: '/hook', headers: { 'content-type': 'application/json' }, body }

/** One warm worker: what is measured is the journey, not the start of threads. */
const functions = { small: { file: functionFile, scaling: { minWorkers: 1, maxWorkers: 1 } } }

/** The whole gateway beside bare Fastify: events that are durable and processed, and synchronous invocations. */
export async function run(options: BenchOptions = {}): Promise<BenchRow[]> {
  if (!(await hasWrk())) {
    console.error('gateway benches skipped: wrk is not installed (Debian: apt-get install wrk)')
    return []
  }
  return [await processed(options), await synchronous(options)]
}

async function processed({ repetitions = 5, durationMs = 3_000 }: BenchOptions): Promise<BenchRow> {
  const settings = {
    sources: {
      hook: {
        type: 'http',
        path: '/hook',
        mapping: { type: 'com.example.order', partitionkey: { pointer: '/data/customer' } },
      },
    },
    functions,
    triggers: { done: { stream: 'hook', function: 'small', ordering: 'none' } },
  }
  await using bare = await startServer(bareServer)
  await using ours = await startServer(gatewayServer, [JSON.stringify(settings)])
  await load(bare.port, request, connections, 1_000)
  let expected = (await load(ours.port, request, connections, 1_000)).requests
  await untilProcessed(ours.port, expected)
  const pairs: { ours: number; raw: number }[] = []
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const raw = await load(bare.port, request, connections, durationMs)
    const startedAt = performance.now()
    const { requests, failures } = await load(ours.port, request, connections, durationMs)
    if (failures > 0) throw new Error(`${failures} requests failed`)
    expected += requests
    await untilProcessed(ours.port, expected)
    const elapsedS = (performance.now() - startedAt) / 1000
    pairs.push({ ours: requests / elapsedS, raw: raw.requestsPerSecond })
  }
  return rowOf('HTTP 202 after durable append, dispatched and processed', 'events/s', pairs, { connections })
}

async function synchronous({ repetitions = 5, durationMs = 3_000 }: BenchOptions): Promise<BenchRow> {
  const settings = { sources: { hook: { type: 'http', path: '/hook', reply: { function: 'small' } } }, functions }
  await using bare = await startServer(bareServer)
  await using ours = await startServer(gatewayServer, [JSON.stringify(settings)])
  await load(bare.port, request, connections, 1_000)
  await load(ours.port, request, connections, 1_000)
  const pairs: { ours: number; raw: number }[] = []
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const raw = await load(bare.port, request, connections, durationMs)
    const called = await load(ours.port, request, connections, durationMs)
    if (called.failures > 0) throw new Error(`${called.failures} calls failed`)
    pairs.push({ ours: called.requestsPerSecond, raw: raw.requestsPerSecond })
  }
  return rowOf('synchronous invocation', 'calls/s', pairs, { connections })
}

/** Waits until the trigger has completed everything that was accepted, and more than wrk saw answered is possible. */
async function untilProcessed(port: number, accepted: number): Promise<void> {
  for (;;) {
    const trigger = (await (await fetch(`http://127.0.0.1:${port}/v1/triggers/done`)).json()) as {
      succeeded: number
      lag: number | null
      failed: number
    }
    if (trigger.failed > 0) throw new Error(`${trigger.failed} events failed: the function does not fit the load`)
    if (trigger.succeeded >= accepted && trigger.lag === 0) return
    await wait(10)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(await run({ repetitions: Number(process.argv[2] ?? 3) }))
