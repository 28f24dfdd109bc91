import { defineExperiment } from '../experiment.ts'
import { seededRandom } from '../random.ts'
import { runPoisonedRounds } from './poisoned-rounds.ts'
import { roundKeys } from './timed-rounds.ts'

export const poisonEvent = defineExperiment({
  name: 'poison-event',
  proves:
    'One event that always fails is a dead letter with its whole history; all others finish as fast as without it.',
  full: { pairs: 5, events: 10_000 },
  short: { pairs: 1, events: 1_000 },
  async run({ size, seed, progress }) {
    const random = seededRandom(seed)
    const key = `${random.below(roundKeys)}`
    const sequence = random.below(Math.floor(size.events / roundKeys))
    const isPoison = (event: { key: string; seq: number }) => event.key === key && event.seq === sequence
    return await runPoisonedRounds({ ...size, key, isPoison, progress })
  },
})
