import { didYouMean } from '../../config/did-you-mean.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { scalers } from './baselines.ts'
import { drawChart } from './chart-svg.ts'
import { readLoad } from './load-file.ts'
import { readPolicies } from './policy-file.ts'
import { simulate } from './simulate.ts'
import type { SimulationResult } from './simulation-result.ts'
import { alignedTable, markdownTable, simulationTable } from './simulation-table.ts'

/** What a command asks for, as it was read from files and flags. */
export interface SimulationRequest {
  /** A parsed load file (`sluice-load/1`). */
  readonly load: unknown
  /** A parsed policy: a `scaling` section, something that has one, or `functions` that have them. */
  readonly policy: unknown
  /** `sluice`, `keda`, `keda-tuned`, `numaflow`, `numaflow-tuned`. Default: sluice alone. */
  readonly scalers?: readonly string[]
  /** Default 1. */
  readonly seed?: number
  /** Default 2. */
  readonly cores?: number
  /** For the heaps of all workers. Default 4,096. */
  readonly memoryMiB?: number
}

export interface SimulationReport {
  readonly results: readonly SimulationResult[]
  /** Aligned for a terminal. */
  readonly table: string
  readonly markdown: string
  readonly chart: string
  /** Every change of the number of workers: `12.5 s  enrich  2→4: …`. */
  readonly decisions: readonly string[]
}

/**
 * What the command `sluice simulate` shows: runs the load under the policy and tells what happened.
 * @throws {SluiceError} SLUICE_CONTROLLER_SIMULATION for a load, policy or scaler that is not valid.
 */
export function simulationReport(request: SimulationRequest): SimulationReport {
  const { seed = 1, cores = 2, memoryMiB = 4_096 } = request
  const load = readLoad(request.load)
  const policies = readPolicies(request.policy, cores)
  const results = (request.scalers ?? ['sluice']).map(name => {
    const scaler = Object.hasOwn(scalers, name) ? scalers[name] : undefined
    if (scaler === undefined) {
      const known = Object.keys(scalers)
      throw new SluiceError(
        'SLUICE_CONTROLLER_SIMULATION',
        `there is no scaler '${name}'${didYouMean(name, known)}; choose of ${known.join(', ')}`,
      )
    }
    return simulate(load, policies, { seed, cores, memoryMiB, scaler })
  })
  const table = simulationTable(results)
  return {
    results,
    table: alignedTable(table),
    markdown: markdownTable(table),
    chart: drawChart(results, load.name),
    decisions: results.flatMap(({ scaler, functions }) =>
      functions.flatMap(({ name, decisions }) =>
        decisions.map(({ atMs, from, to, reason }) => {
          const who = results.length > 1 ? `${scaler} ${name}` : name
          const change = `${from}→${to}`
          return `${(atMs / 1000).toFixed(1)} s  ${who}  ${reason.startsWith(change) ? reason : `${change}: ${reason}`}`
        }),
      ),
    ),
  }
}
