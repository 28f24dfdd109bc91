import { describe, expect, it } from 'vitest'
import { Rates } from '../../src/dashboard/gateway/rates.ts'

describe('the rate of a counter', () => {
  it('is not known before the second look', () => {
    const rates = new Rates()
    expect(rates.take('a', 1_000, 50)).toBeUndefined()
    expect(rates.of('b')).toBeUndefined()
  })

  it('is what it grew by, per second, over the last five', () => {
    const rates = new Rates()
    for (let second = 0; second <= 20; second++) rates.take('a', second * 1_000, second < 10 ? 0 : (second - 9) * 100)
    expect(rates.of('a')).toBe(100)
  })

  it('begins anew when the counter went back: the gateway was started again', () => {
    const rates = new Rates()
    rates.take('a', 0, 1_000)
    rates.take('a', 1_000, 2_000)
    expect(rates.take('a', 2_000, 10)).toBeUndefined()
    expect(rates.take('a', 3_000, 20)).toBe(10)
  })

  it('counts a look once, however often it is told', () => {
    const rates = new Rates()
    rates.take('a', 0, 0)
    rates.take('a', 1_000, 10)
    rates.take('a', 1_000, 10)
    expect(rates.points('a')).toEqual([10])
  })

  it('keeps two minutes of points', () => {
    const rates = new Rates()
    for (let second = 0; second < 500; second++) rates.take('a', second * 1_000, second)
    expect(rates.points('a')).toHaveLength(120)
  })
})
