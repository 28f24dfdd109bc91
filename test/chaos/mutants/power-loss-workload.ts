import { join } from 'node:path'
import { startNodeScript } from '../../support/child-process.ts'
import { emptyVerdict } from '../checker/verdict.ts'
import type { PowerLossResult } from '../log/power-loss.ts'
import { assertPlanted, planted } from './plant.ts'
import type { Workload } from './workloads.ts'

/** The log alone, whose power goes at every change of its disk; see log/power-loss.ts. */
export const powerGone: Workload = async edits => {
  const child = startNodeScript({ script: join(import.meta.dirname, 'power-loss-child.ts'), ...planted(edits) })
  const { code } = await child.exited
  const last = child.stdout.at(-1)
  if (code !== 0 || last === undefined) throw new Error(`the losses of power ended early:\n${child.lines.join('\n')}`)
  assertPlanted(child, edits)
  const { lost, invented, others, acknowledged, findings } = JSON.parse(last) as PowerLossResult
  const verdict = emptyVerdict()
  verdict.counts.acknowledged = acknowledged
  for (let count = 0; count < lost; count++) verdict.violations.lost.add(findings[count] ?? 'an event')
  for (let count = 0; count < invented + others; count++) verdict.violations.phantom.add(findings[count] ?? 'an event')
  return verdict
}
