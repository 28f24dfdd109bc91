import { describe, expect, it } from 'vitest'
import { figure, seconds } from '../../src/controller/figure.ts'

describe('figure', () => {
  it('has one decimal below ten and separated thousands above', () => {
    expect([0, 0.04, 9.94, 9.96, 10, 999.4, 1_000, 4_120, 1_234_567].map(figure)).toEqual([
      '0.0', '0.0', '9.9', '10', '10', '999', '1,000', '4,120', '1,234,567',
    ]) // prettier-ignore
  })

  it('is readable for what is no figure', () => {
    expect([Number.NaN, Infinity, 1e300].map(figure)).toEqual(['?', '?', '1,000,000,000,000,000'])
  })

  it('tells times in seconds', () => {
    expect([2_000, 500, 61_230].map(seconds)).toEqual(['2 s', '0.5 s', '61.2 s'])
  })
})
