import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { BenchOptions, BenchRow } from '../bench-row.ts'
import { body } from '../http/ingest.bench.ts'
import { hasWrk, load, startServer } from '../http/load-generator.ts'

const gatewayServer = fileURLToPath(new URL('./gateway-server.ts', import.meta.url))
const functionFile = fileURLToPath(new URL('./small-function.mjs', import.meta.url))
const limitMiB = 400

/** Resident memory while a full log refuses every request of a minute under full load. */
export async function run({ durationMs = 60_000 }: BenchOptions = {}): Promise<BenchRow[]> {
  if (!(await hasWrk())) {
    console.error('the memory bench is skipped: wrk is not installed (Debian: apt-get install wrk)')
    return []
  }
  const settings = {
    streams: { hook: { partitions: 4, maxBytes: 4 * 1024 * 1024 } },
    sources: { hook: { type: 'http', path: '/hook', mapping: { type: 'com.example.order' } } },
    functions: { small: { file: functionFile } },
    triggers: { held: { stream: 'hook', function: 'small' } },
  }
  await using server = await startServer(gatewayServer, [JSON.stringify(settings)])
  const url = `http://127.0.0.1:${server.port}`
  await fetch(`${url}/v1/triggers/held/pause`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'bench', by: 'bench' }),
  })
  const request = { path: '/hook', headers: { 'content-type': 'application/json' }, body }
  let peakMiB = 0
  const sampler = setInterval(() => void residentMiB(server.pid).then(now => (peakMiB = Math.max(peakMiB, now))), 250)
  const { requests, failures } = await load(server.port, request, 64, durationMs)
  clearInterval(sampler)
  if (failures < requests / 2)
    throw new Error(`only ${failures} of ${requests} requests were refused: the log was not full`)
  const details = { requests, refused: failures, limitMiB }
  return [
    {
      name: 'memory while a full log refuses',
      ours: Math.round(peakMiB),
      raw: limitMiB,
      ratio: peakMiB / limitMiB,
      unit: 'MiB of the limit',
      details,
    },
  ]
}

async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(await run({ durationMs: Number(process.argv[2] ?? 10_000) }))
