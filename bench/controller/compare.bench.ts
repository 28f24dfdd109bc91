// What Sluice, KEDA and Numaflow make of the same loads, in simulation: the same workers, keys, cold starts and arrivals,
// only the decisions differ. Means of six runs. Nothing here depends on the machine. Some minutes.
// Run: npm exec -c 'node bench/controller/compare.bench.ts' [--markdown]
import { scalers } from '../../src/controller/simulation/baselines.ts'
import type { CreateScaler } from '../../src/controller/simulation/scaler.ts'
import { alignedTable, markdownTable } from '../../src/controller/simulation/simulation-table.ts'
import type { ScalingPolicy } from '../../src/functions/function-version.ts'
import { compare, comparedLoads, policy, type Compared } from './comparison.ts'

const candidates: readonly (readonly [name: string, scaler: CreateScaler, policy: ScalingPolicy])[] = [
  ['Sluice', scalers['sluice'], policy],
  ['Sluice, 4 warm', scalers['sluice'], { ...policy, minWorkers: 4 }],
  ['KEDA', scalers['keda'], policy],
  ['KEDA, tuned', scalers['keda-tuned'], policy],
  ['Numaflow', scalers['numaflow'], policy],
  ['Numaflow, tuned', scalers['numaflow-tuned'], policy],
].map(([name, scaler, given]) => [name as string, scaler as CreateScaler, given as ScalingPolicy])

const titles = [
  'scaler',
  'reaction',
  'settled',
  'overshoot',
  'resizes',
  'worker-s',
  'p50 delay',
  'p99 delay',
  'lag at end',
]
const render = process.argv.includes('--markdown') ? markdownTable : alignedTable

for (const load of comparedLoads) {
  const rows = candidates.map(([name, scaler, given]) => [name, ...cells(compare(load, scaler, given))])
  console.log(process.argv.includes('--markdown') ? `\n**${load.name}**\n` : `\n${load.name}`)
  console.log(render([titles, ...rows]))
}

function cells(compared: Compared): string[] {
  const { overshoot } = compared
  return [
    time(compared.reactionMs),
    time(compared.settledMs),
    overshoot === undefined ? '' : `${Math.round(overshoot * 100)} %`,
    compared.resizes.toFixed(1),
    whole(compared.workerSeconds),
    time(compared.p50DelayMs),
    time(compared.p99DelayMs),
    whole(compared.lagAtEnd),
  ]
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

function time(ms: number | undefined): string {
  if (ms === undefined) return '–'
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}
