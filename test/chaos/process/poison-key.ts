import { defineExperiment } from '../experiment.ts'
import { exactly } from '../figure.ts'
import { seededRandom } from '../random.ts'
import { runPoisonedRounds } from './poisoned-rounds.ts'
import { roundKeys } from './timed-rounds.ts'

export const poisonKey = defineExperiment({
  name: 'poison-key',
  proves:
    'One key among a thousand whose events all fail pins nothing: all others finish as fast as without it, and the offset of its partition moves on.',
  full: { pairs: 5, events: 10_000 },
  short: { pairs: 1, events: 1_000 },
  async run({ size, seed, progress }) {
    const key = `${seededRandom(seed).below(roundKeys)}`
    const outcome = await runPoisonedRounds({ ...size, key, isPoison: event => event.key === key, progress })
    const { figures, findings, flowedOn } = outcome
    return {
      figures: [
        ...figures,
        exactly('rounds in which the offset passed the key while it was parked', flowedOn, size.pairs),
      ],
      findings,
    }
  },
})
