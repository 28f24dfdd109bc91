// Which settings serve KEDA and Numaflow best, among those their users can set: the least product of worker-seconds and
// p99 delay over step, sine and spike. Takes some minutes. Run: npm exec -c 'node bench/controller/search-baselines.ts'
import { createKedaScaler } from '../../src/controller/simulation/keda-scaler.ts'
import { createNumaflowScaler } from '../../src/controller/simulation/numaflow-scaler.ts'
import { scalers } from '../../src/controller/simulation/baselines.ts'
import type { CreateScaler } from '../../src/controller/simulation/scaler.ts'
import { compare, tuningLoads } from './comparison.ts'

const candidates = new Map<string, CreateScaler>(Object.entries(scalers))
for (const lagThreshold of [1, 2, 3, 5, 10, 20, 100]) {
  for (const scaleDownStabilisationS of [30, 60, 120, 300]) {
    const name = `keda: lagThreshold ${lagThreshold}, stabilisation ${scaleDownStabilisationS} s`
    const options = { lagThreshold, scaleDownStabilisationS, pollingIntervalS: 1, cooldownPeriodS: 60 }
    candidates.set(name, createKedaScaler(name, options))
  }
}
for (const lookbackS of [15, 30, 60]) {
  for (const scaleDownCooldownS of [0, 60]) {
    for (const targetProcessingS of [1, 3, 8, 20]) {
      for (const replicasPerScale of [4, 32]) {
        const name = `numaflow: lookback ${lookbackS} s, cooldown ${scaleDownCooldownS} s, target ${targetProcessingS} s, ${replicasPerScale} at a time`
        const options = { lookbackS, scaleUpCooldownS: 0, scaleDownCooldownS, targetProcessingS, replicasPerScale }
        candidates.set(name, createNumaflowScaler(name, options))
      }
    }
  }
}

const rows = [...candidates].map(([name, scaler]) => {
  const compared = tuningLoads.map(load => compare(load, scaler))
  const score = compared.reduce((sum, { workerSeconds, p99DelayMs }) => sum + Math.log(workerSeconds * p99DelayMs), 0)
  const figures = compared.map(
    ({ workerSeconds, p99DelayMs, resizes }) =>
      `${Math.round(workerSeconds)} s, ${Math.round(p99DelayMs)} ms, ${Math.round(resizes)}`,
  )
  return { score, line: `${score.toFixed(2)}  ${name}: ${figures.join(' · ')}` }
})
for (const { line } of rows.sort((a, b) => a.score - b.score)) console.log(line)
