import fc from 'fast-check'
import { expect, it } from 'vitest'
import { RedrivePace } from '../../../src/gateway/duties/redrive-pace.ts'

it('takes no more in any stretch of time than its rate allows and one second besides', () => {
  const steps = fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 3_000 }), wanted: fc.nat(500) }))
  fc.assert(
    fc.property(fc.double({ min: 0.01, max: 1_000, noNaN: true }), steps, (ratePerS, all) => {
      const pace = new RedrivePace(ratePerS, 0)
      const taken: { atMs: number; letters: number }[] = []
      let atMs = 0
      for (const { afterMs, wanted } of all) {
        atMs += afterMs
        const letters = Math.min(wanted, pace.limitAt(atMs))
        pace.took(letters)
        taken.push({ atMs, letters })
      }
      for (const [index, { atMs: fromMs }] of taken.entries()) {
        let sum = 0
        for (const { atMs: toMs, letters } of taken.slice(index)) {
          sum += letters
          expect(sum).toBeLessThanOrEqual(Math.max(1, ratePerS) + ((toMs - fromMs) / 1000) * ratePerS + 1e-6)
        }
      }
    }),
  )
})

it('takes as many as its rate says when there is always room', () => {
  const pace = new RedrivePace(40, 0)
  let sum = 0
  for (let atMs = 0; atMs <= 10_000; atMs += 50) {
    const letters = pace.limitAt(atMs)
    pace.took(letters)
    sum += letters
  }
  expect(sum).toBe(401)
})

it('says how long to wait for a slow one', () => {
  const pace = new RedrivePace(0.1, 0)
  expect([pace.limitAt(0), pace.waitMs]).toEqual([1, 0])
  pace.took(1)
  expect([pace.limitAt(0), Math.round(pace.waitMs)]).toEqual([0, 10_000])
  expect(pace.limitAt(9_999)).toBe(0)
  expect(pace.limitAt(10_001)).toBe(1)
})
