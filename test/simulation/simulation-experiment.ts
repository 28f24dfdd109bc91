import { addVerdict, emptyVerdict } from '../chaos/checker/verdict.ts'
import { defineExperiment } from '../chaos/experiment.ts'
import { atLeast, exactly, told } from '../chaos/figure.ts'
import { partSeed } from '../chaos/random.ts'
import { verdictFigures } from '../chaos/verdict-figures.ts'
import { violationKinds } from '../chaos/checker/verdict.ts'
import { simulate } from './simulation.ts'

const maxFindings = 20

/** Seed of one simulation of a run: with a single one, the seed of the run itself. */
const seedOf = (seed: number, index: number): number => (index === 0 ? seed : partSeed(seed, index))

export const simulationExperiment = defineExperiment({
  name: 'simulation',
  proves:
    'On a virtual clock, scheduler and disk, no order of events, crash, loss of power or refusal makes the gateway break a promise.',
  full: { seeds: 20_000 },
  short: { seeds: 200 },
  async run({ size, seed, progress }) {
    const sum = emptyVerdict()
    const findings: string[] = []
    let broken = 0
    let virtualMs = 0
    for (let index = 0; index < size.seeds; index++) {
      const own = seedOf(seed, index)
      const result = await simulate(own)
      virtualMs += result.virtualMs
      for (const verdict of result.verdicts.values()) addVerdict(sum, verdict)
      if (result.findings.length > 0) broken++
      for (const finding of result.findings) if (findings.length < maxFindings) findings.push(`seed ${own}: ${finding}`)
      if (index % 20 === 19) progress(index + 1, size.seeds, `${broken} seeds with findings`)
    }
    return {
      figures: [
        atLeast('seeds', size.seeds, size.seeds),
        exactly('seeds with findings', broken, 0),
        ...verdictFigures(sum, violationKinds),
        told('interruptions', sum.counts.interruptions / 2),
        told('virtual hours', Math.round(virtualMs / 36_000) / 100),
      ],
      findings,
    }
  },
})
