import { emptyVerdict, violated, type Verdict } from '../checker/verdict.ts'
import { defineExperiment } from '../experiment.ts'
import { exactly, type Figure } from '../figure.ts'
import { mutants, type TriedMutant } from './mutants.ts'

/** The checker has to find each planted bug, and nothing in the gateway as it is. */
export const plantedBugs = defineExperiment({
  name: 'planted-bugs',
  needs: ['kafka'],
  proves:
    'The checker finds every one of ten classic bugs that are planted into the gateway, and no violation without them.',
  full: { mutants: mutants.length, controls: mutants.length },
  short: { mutants: mutants.length, controls: 0 },
  async run({ size, progress }) {
    const figures: Figure[] = []
    const findings: string[] = []
    const of = size.mutants + size.controls
    let found = 0
    for (const [index, mutant] of mutants.slice(0, size.mutants).entries()) {
      const kinds = violated(await mutant.workload(mutant.edits))
      const isFound = kinds.some(kind => mutant.breaks.includes(kind))
      if (isFound) found++
      else findings.push(`${mutant.name}: not found; violated: ${kinds.join() || 'nothing'}`)
      figures.push(exactly(`found: ${mutant.name}`, Number(isFound), 1))
      progress(index + 1, of, `${mutant.name}: ${kinds.join() || 'not found'}`)
    }
    let falseAlarms = 0
    for (const [index, mutant] of mutants.slice(0, size.controls).entries()) {
      const verdict = await control(mutant)
      if (violated(verdict).length > 0) falseAlarms++
      for (const kind of violated(verdict))
        findings.push(`without ${mutant.name}: ${kind}: ${verdict.violations[kind].examples.join('; ')}`)
      progress(size.mutants + index + 1, of, `without ${mutant.name}`)
    }
    figures.push(
      exactly('planted bugs found', found, size.mutants),
      exactly('found where none was planted', falseAlarms, 0),
    )
    return { figures, findings, summary: `${found}/${size.mutants} planted bugs found` }
  },
})

async function control({ workload }: TriedMutant): Promise<Verdict> {
  try {
    return await workload([])
  } catch (error) {
    const verdict = emptyVerdict()
    verdict.violations.lost.add(`the workload did not end: ${String(error)}`)
    return verdict
  }
}
