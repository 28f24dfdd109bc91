import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { weightsAt } from '../../../src/gateway/duties/rollout-weights.ts'

describe('weights during a rollout', () => {
  it('share what is left as before', () => {
    expect(weightsAt([{ version: 1, weight: 100 }], 2, 10)).toEqual([
      { version: 1, weight: 90 },
      { version: 2, weight: 10 },
    ])
    const two = [
      { version: 1, weight: 75 },
      { version: 2, weight: 25 },
    ]
    expect(weightsAt(two, 3, 20)).toEqual([
      { version: 1, weight: 60 },
      { version: 2, weight: 20 },
      { version: 3, weight: 20 },
    ])
    expect(weightsAt(two, 3, 100)).toEqual([{ version: 3, weight: 100 }])
    expect(weightsAt(two, 2, 100)).toEqual([{ version: 2, weight: 100 }])
  })

  it('add up to 100 and give the new version its percentage, whatever was there', () => {
    const shares = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(
        shares,
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: 1, max: 7 }),
        (raw, hundredths, to) => {
          const from = raw.map((weight, index) => ({ version: index + 1, weight }))
          const weights = weightsAt(from, to, hundredths / 100)
          expect(weights.reduce((sum, { weight }) => sum + Math.round(weight * 100), 0)).toBe(10_000)
          expect(weights.every(({ weight }) => weight > 0)).toBe(true)
          const others = from.some(({ version, weight }) => version !== to && weight > 0)
          const moved = weights.find(({ version }) => version === to)?.weight ?? 0
          expect(moved).toBeCloseTo(others ? hundredths / 100 : 100, 6)
        },
      ),
    )
  })
})
