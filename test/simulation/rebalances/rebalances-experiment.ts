import { addVerdict, emptyVerdict } from '../../chaos/checker/verdict.ts'
import { defineExperiment } from '../../chaos/experiment.ts'
import { atLeast, exactly, told } from '../../chaos/figure.ts'
import { partSeed } from '../../chaos/random.ts'
import { verdictFigures } from '../../chaos/verdict-figures.ts'
import { simulateRebalances } from './rebalance-simulation.ts'

const maxFindings = 20

export const simulatedRebalances = defineExperiment({
  name: 'simulated-rebalances',
  proves:
    'However the group of a Kafka topic is rebalanced, late and by strangers too, a committed offset stands for what is complete, nothing is lost, and keys are in order.',
  full: { seeds: 20_000 },
  short: { seeds: 300 },
  async run({ size, seed, progress }) {
    const sum = emptyVerdict()
    const findings: string[] = []
    let broken = 0
    let rebalances = 0
    let refused = 0
    for (let index = 0; index < size.seeds; index++) {
      const own = partSeed(seed, index)
      const result = await simulateRebalances(own)
      addVerdict(sum, result.verdict)
      rebalances += result.rebalances
      refused += result.refusedCommits
      if (result.findings.length > 0) broken++
      for (const finding of result.findings) if (findings.length < maxFindings) findings.push(`seed ${own}: ${finding}`)
      if (index % 20 === 19) progress(index + 1, size.seeds, `${broken} seeds with findings`)
    }
    return {
      figures: [
        atLeast('seeds', size.seeds, size.seeds),
        exactly('seeds with findings', broken, 0),
        ...verdictFigures(sum),
        told('rebalances', rebalances),
        told('commits of an old generation, refused', refused),
      ],
      findings,
    }
  },
})
