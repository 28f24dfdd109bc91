import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { rowOf, type BenchOptions, type BenchRow } from '../bench-row.ts'
import { body } from '../http/ingest.bench.ts'
import { hasWrk, load, startServer, type HttpRequest } from '../http/load-generator.ts'

const functionFile = fileURLToPath(new URL('./small-function.mjs', import.meta.url))
const gatewayServer = fileURLToPath(new URL('./gateway-server.ts', import.meta.url))
const connections = 64
const request: HttpRequest = { path: '/hook', headers: { 'content-type': 'application/json' }, body }

const settings = (recentEvents: object): string =>
  JSON.stringify({
    recentEvents,
    sources: { hook: { type: 'http', path: '/hook', mapping: { partitionkey: { pointer: '/data/customer' } } } },
    functions: { small: { file: functionFile, scaling: { minWorkers: 1, maxWorkers: 1 } } },
    triggers: { done: { stream: 'hook', function: 'small', ordering: 'none' } },
  })

/** What the index of recent events costs: the same gateway with it and without it, in turns; `raw` is without. */
export async function run(options: BenchOptions = {}): Promise<BenchRow[]> {
  if (!(await hasWrk())) {
    console.error('recent-events bench skipped: wrk is not installed (Debian: apt-get install wrk)')
    return []
  }
  return [
    await compared('with the index of recent events', {}, options),
    await compared('with an index that keeps every event', { maxPerSecond: 1_000_000 }, options),
  ]
}

async function compared(
  name: string,
  recentEvents: object,
  { repetitions = 5, durationMs = 3_000 }: BenchOptions,
): Promise<BenchRow> {
  await using without = await startServer(gatewayServer, [settings({ enabled: false })])
  await using withIndex = await startServer(gatewayServer, [settings(recentEvents)])
  const done = new Map<number, number>()
  const rate = async (port: number, forMs: number): Promise<number> => {
    const startedAt = performance.now()
    const { requests, failures } = await load(port, request, connections, forMs)
    if (failures > 0) throw new Error(`${failures} requests failed`)
    const expected = (done.get(port) ?? 0) + requests
    done.set(port, expected)
    await untilProcessed(port, expected)
    return requests / ((performance.now() - startedAt) / 1000)
  }
  for (const { port } of [without, withIndex]) await rate(port, 1_000)
  const pairs: { ours: number; raw: number }[] = []
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const isEven = repetition % 2 === 0
    const first = await rate(isEven ? without.port : withIndex.port, durationMs)
    const second = await rate(isEven ? withIndex.port : without.port, durationMs)
    pairs.push(isEven ? { raw: first, ours: second } : { raw: second, ours: first })
  }
  return rowOf(`HTTP to done, ${name}`, 'events/s', pairs, { connections })
}

/** More than wrk saw answered is possible. */
async function untilProcessed(port: number, accepted: number): Promise<void> {
  for (;;) {
    const trigger = (await (await fetch(`http://127.0.0.1:${port}/v1/triggers/done`)).json()) as {
      succeeded: number
      lag: number | null
    }
    if (trigger.succeeded >= accepted && trigger.lag === 0) return
    await wait(10)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(await run({ repetitions: Number(process.argv[2] ?? 3) }))
