import { expect, it } from 'vitest'
import { emptyBitFlipResult, flipBits } from './bit-flips.ts'
import { emptyResult, losePowerThroughout } from './power-loss.ts'
import { tearTail, type TornTailResult } from './torn-tail.ts'

// Slices; how each violation is told is in recovered-log.test.ts, and a log that does not sync is among the mutants.

it('loses power at every change of a log and finds nothing lost and nothing invented', async () => {
  const result = emptyResult()
  for (const seed of [1, 2, 3]) await losePowerThroughout(seed, result)
  expect(result).toMatchObject({ lost: 0, invented: 0, others: 0, findings: [] })
  expect(result.crashPoints).toBeGreaterThan(500)
  expect(result.repeatedCrashes).toBeGreaterThan(50)
})

it('repeats the same crashes for the same seed', async () => {
  const [first, second] = [emptyResult(), emptyResult()]
  await losePowerThroughout(5, first)
  await losePowerThroughout(5, second)
  expect(second).toEqual(first)
})

it('tears the tail of a log at every byte', async () => {
  const result: TornTailResult = { cuts: 0, missing: 0, bad: 0, others: 0, findings: [] }
  await tearTail(3, result, 600)
  expect(result).toEqual({ cuts: 600, missing: 0, bad: 0, others: 0, findings: [] })
})

it('flips bits and overwrites sectors of a log', async () => {
  const result = emptyBitFlipResult()
  await flipBits(4, result)
  expect(result).toMatchObject({ flips: 100, lostBehind: 0, bad: 0, unreported: 0, others: 0, findings: [] })
  expect(result.confined).toBeGreaterThan(20)
})
