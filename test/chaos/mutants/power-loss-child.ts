import { emptyResult, losePowerThroughout } from '../log/power-loss.ts'
import { partSeed } from '../random.ts'

/** A slice of the losses of power in a process of its own, whose sources may be changed; prints what it found. */
const crashPoints = 1_500
const result = emptyResult()
for (let log = 0; result.crashPoints < crashPoints; log++)
  await losePowerThroughout(partSeed(1, log), result, crashPoints)
console.log(JSON.stringify(result))
