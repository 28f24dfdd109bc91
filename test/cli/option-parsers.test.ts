import { describe, expect, it } from 'vitest'
import {
  collectPairs,
  duration,
  jsonValue,
  numberFrom,
  parseDuration,
  pointInTime,
  wholeNumber,
} from '../../src/cli/option-parsers.ts'

describe('options', () => {
  it('are durations', () => {
    expect(['250ms', '10s', '5m', '1h', '1h30m', '1.5s', '2d'].map(parseDuration)).toEqual([
      250, 10_000, 300_000, 3_600_000, 5_400_000, 1_500, 172_800_000,
    ])
    for (const text of ['', '10', 's', '-5s', '5 s', '5x', '1e3s']) expect(parseDuration(text)).toBeUndefined()
    expect(() => duration()('10')).toThrow('such as 250ms, 10s, 5m or 1h')
    expect(() => duration(100, 1000)('5s')).toThrow('from 100 to 1000 ms')
  })

  it('are points in time: ago, or a time', () => {
    const at = pointInTime(() => 1_000_000)
    expect(at('10s')).toBe(990_000)
    expect(at('2026-03-01T08:00:00Z')).toBe(Date.UTC(2026, 2, 1, 8))
    for (const text of ['yesterday', '1', '2026-13-01']) expect(() => at(text)).toThrow('how long ago')
  })

  it('are numbers', () => {
    expect(numberFrom(0, 1)('0.02')).toBe(0.02)
    expect(wholeNumber(1)('3')).toBe(3)
    for (const text of ['', 'x', '2', '-1', '1e-1', 'NaN']) expect(() => numberFrom(0, 1)(text)).toThrow('from 0 to 1')
  })

  it('are pairs with any name', () => {
    const pairs = collectPairs('__proto__=x', collectPairs('a=b=c', undefined))
    expect(Object.entries(pairs)).toEqual([
      ['a', 'b=c'],
      ['__proto__', 'x'],
    ])
    expect(() => collectPairs('=x', undefined)).toThrow('name=value')
  })

  it('are JSON', () => {
    expect(jsonValue('{"type":"a"}')).toEqual({ type: 'a' })
    expect(() => jsonValue('{')).toThrow('It is not JSON')
  })
})
