import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { differenceOf } from '../../src/dispatch/compare-results.ts'
import { excerptOf } from '../../src/dispatch/result-excerpt.ts'
import type { FunctionResult, ResultMeta } from '../../src/sinks/function-result.ts'

const json = (value: unknown, meta: ResultMeta = {}): FunctionResult => ({
  meta,
  contentType: 'application/json',
  data: Buffer.from(JSON.stringify(value)),
})
const text = (value: string, contentType = 'text/plain'): FunctionResult => ({
  meta: {},
  contentType,
  data: Buffer.from(value),
})

describe('the difference of results', () => {
  it('is none for JSON of equal value, whatever the order of members and the spelling', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        const spelled: FunctionResult = { ...json(value), data: Buffer.from(JSON.stringify(reversed(value), null, 2)) }
        expect(differenceOf([json(value)], [spelled])).toBeUndefined()
      }),
    )
  })

  it('is told whenever JSON values differ', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const isSame = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
        expect(differenceOf([json(a)], [json(b)]) === undefined).toBe(isSame)
      }),
    )
  })

  it.each([
    ['the number of results', [text('a')], [], '0 results instead of 1'],
    ['one result more', [], [text('a')], '1 result instead of 0'],
    ['a value', [json({ price: 11 })], [json({ price: 12 })], 'the result: /price is 12 instead of 11'],
    ['what is absent', [json({ a: { b: 1 } })], [json({ a: {} })], 'the result: /a/b is absent instead of 1'],
    ['what is new', [json([1])], [json([1, 2])], 'the result: /1 is 2 instead of absent'],
    ['the kind of a value', [json([])], [json({})], 'the result: / is an object instead of an array of 0'],
    [
      'a name that every object has',
      [json({})],
      [json({ constructor: 1 })],
      'the result: /constructor is 1 instead of absent',
    ],
    ['one of several', [json(1), json(2)], [json(1), json(3)], 'result 2: / is 3 instead of 2'],
    ['bytes', [text('abc')], [text('abcd')], 'the result: other bytes, 4 instead of 3'],
    [
      'JSON that is none',
      [text('{', 'application/json')],
      [text('}', 'application/json')],
      'the result: other bytes, 1 instead of 1',
    ],
    [
      'the content type',
      [text('a')],
      [text('a', 'text/html')],
      'the result: content type "text/html" instead of "text/plain"',
    ],
    [
      'a wish of the handler',
      [json(1, { topic: 'a' })],
      [json(1, { topic: 'b' })],
      'the result: meta /topic is "b" instead of "a"',
    ],
  ])('names %s', (_what, real, shadow, difference) => {
    expect(differenceOf(real, shadow)).toBe(difference)
  })

  it('survives JSON of any depth, and compares what is very large by its bytes', () => {
    const deep = (inner: string): FunctionResult =>
      text('['.repeat(5_000) + inner + ']'.repeat(5_000), 'application/json')
    expect(differenceOf([deep('1')], [deep('2')])).toContain('is 2 instead of 1')
    const large = 'x'.repeat(300 * 1024)
    expect(differenceOf([json({ large, a: 1 })], [json({ a: 1, large })])).toContain('other bytes')
  })

  it('shows long values in part', () => {
    const difference = differenceOf([json({ text: 'a'.repeat(10_000) })], [json({ text: 'b'.repeat(10_000) })])
    expect(difference?.length).toBeLessThan(300)
  })
})

describe('an excerpt', () => {
  it('has at most 500 characters', () => {
    expect(excerptOf([text('ü'.repeat(10_000))]).length).toBe(500)
    expect(excerptOf('e'.repeat(10_000)).length).toBe(500)
    expect(excerptOf(Array.from({ length: 1_000 }, () => text('abcdefghij'))).length).toBe(500)
  })

  it('shows text and JSON as they are, and bytes by their number', () => {
    expect(excerptOf([])).toBe('no result')
    expect(excerptOf([json({ a: 1 }), text('t'), text('xyz', 'application/octet-stream')])).toBe(
      '{"a":1}\nt\n3 bytes of application/octet-stream',
    )
  })
})

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reversed(member)]),
  )
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return { members: members.map(([name, member]) => [name, sorted(member)]) }
}
