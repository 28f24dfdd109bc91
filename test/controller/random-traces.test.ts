import { describe, expect, it } from 'vitest'
import { runTraces } from './random-traces.ts'

/** A slice for every run; SLUICE_TRACES=1000000 for the count that documents cite. */
const count = Number(process.env['SLUICE_TRACES'] ?? 6_000)
const seed = Number(process.env['SLUICE_TRACES_SEED'] ?? 1)
const atATime = 10_000

describe('meter and decision', () => {
  it(
    `keep bounds, hold, converge and resize seldom over ${count} random traces`,
    () => {
      for (let done = 0; done < count; done += atATime) {
        const report = runTraces(Math.min(atATime, count - done), seed + done / atATime)
        expect(report.problems).toEqual([])
        expect(report.mostResizesPerMinute).toBeLessThanOrEqual(30)
      }
    },
    60_000 + count * 5,
  )

  it('give the same for the same seed', () => {
    expect(runTraces(50, 3)).toEqual(runTraces(50, 3))
  })
})
