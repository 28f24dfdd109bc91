import { parseArgs } from 'node:util'
import type { BenchOptions, BenchRow } from './bench-row.ts'
import { printRows } from './print-rows.ts'

/** Every scope with its modules; loaded when asked for, so that a scope without Kafka needs no Kafka. */
const scopes: Readonly<
  Record<string, readonly (() => Promise<{ run(options: BenchOptions): Promise<readonly BenchRow[]> }>)[]>
> = {
  log: [() => import('./log/append.bench.ts')],
  registry: [() => import('./registry/registry.bench.ts')],
  functions: [() => import('./gateway/life-cycle.bench.ts')],
  dispatch: [() => import('./dispatch/dispatch.bench.ts')],
  workers: [() => import('./workers/frames.bench.ts'), () => import('./workers/cold-start.bench.ts')],
  http: [() => import('./http/ingest.bench.ts'), () => import('./gateway/journey.bench.ts')],
  mqtt: [() => import('./mqtt/embedded.bench.ts')],
  kafka: [() => import('./kafka/journey.bench.ts')],
  tracing: [() => import('./telemetry/tracing.bench.ts')],
  'recent-events': [() => import('./gateway/recent-events.bench.ts')],
  memory: [() => import('./gateway/refused-memory.bench.ts')],
}

const { values } = parseArgs({
  options: {
    scope: { type: 'string', default: 'all' },
    repetitions: { type: 'string' },
    'duration-ms': { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (values.help) {
  console.log(`Measures Sluice beside its raw limit in the same run. See bench/README.md before you quote a figure.

npm run bench -- --scope ${Object.keys(scopes).join('|')}|all [--repetitions 5] [--duration-ms 2000] [--json]`)
  process.exit(0)
}

const names = values.scope === 'all' ? Object.keys(scopes) : values.scope.split(',')
const unknown = names.filter(name => scopes[name] === undefined)
if (unknown.length > 0) {
  console.error(`there is no scope ${unknown.join(', ')}; choose of ${Object.keys(scopes).join(', ')}, all`)
  process.exit(2)
}

const options: BenchOptions = {
  ...(values.repetitions === undefined ? {} : { repetitions: Number(values.repetitions) }),
  ...(values['duration-ms'] === undefined ? {} : { durationMs: Number(values['duration-ms']) }),
}
const rows: BenchRow[] = []
for (const name of names) {
  for (const load of scopes[name] ?? []) {
    if (!values.json) process.stderr.write(`measuring ${name} …\n`)
    rows.push(...(await (await load()).run(options)))
  }
}
if (values.json) console.log(JSON.stringify({ at: new Date().toISOString(), node: process.version, rows }, null, 2))
else printRows(rows)
