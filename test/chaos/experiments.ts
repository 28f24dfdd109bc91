import type { Experiment } from './experiment.ts'
import { bitFlips } from './log/bit-flips.ts'
import { powerLoss } from './log/power-loss.ts'
import { tornTail } from './log/torn-tail.ts'

/** Every row of `npm run prove`, in the order in which they run. */
export const experiments: readonly Experiment[] = [powerLoss, tornTail, bitFlips]
