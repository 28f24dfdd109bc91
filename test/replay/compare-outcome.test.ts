import { describe, expect, it } from 'vitest'
import { compareOutcome, type ReplayedOutcome } from '../../src/replay/compare-outcome.ts'
import { failed, json, result, succeeded } from './capture-lines.ts'

const now = (...values: unknown[]): ReplayedOutcome => ({
  kind: 'succeeded',
  results: values.map(value => ({
    meta: {},
    contentType: 'application/json',
    data: Buffer.from(JSON.stringify(value)),
  })),
})
const fails = (message: string): ReplayedOutcome => ({ kind: 'failed', error: `Error: ${message}`, message })
const long = 'x'.repeat(10_000)
const text = (data: string): ReplayedOutcome => ({
  kind: 'succeeded',
  results: [{ meta: {}, contentType: 'text/plain; charset=utf-8', data: Buffer.from(data) }],
})

describe('a replayed event', () => {
  it.each([
    ['same', 'the same JSON in another order', succeeded(json({ a: 1, b: 2 })), now({ b: 2, a: 1 })],
    ['same', 'no result, again', succeeded(), now()],
    ['same', 'the same error', failed('Error: no price'), fails('no price')],
    ['same', 'the error that a dead letter tells, which has no name', failed('no price'), fails('no price')],
    ['same', 'a result of which only the beginning is kept', succeeded(result(long, undefined, 'xxx')), text(long)],
    ['different', 'another value', succeeded(json({ a: 1 })), now({ a: 2 })],
    ['different', 'one result more', succeeded(json(1)), now(1, 2)],
    ['different', 'another end of a long result', succeeded(result(long, undefined, 'xxx')), text(`${long.slice(1)}y`)],
    ['fixed', 'no error any more', failed('Error: no price'), now(1)],
    ['failed', 'an error where there was a result', succeeded(json(1)), fails('no price')],
    ['failed', 'another error', failed('Error: no price'), fails('no stock')],
    ['failed', 'an error, and nothing recorded', undefined, fails('no stock')],
    ['new', 'a result, and nothing recorded', undefined, now(1)],
    ['new', 'a result, and only that it waited', { ...succeeded(), attempts: [] }, now(1)],
  ] as const)('is %s with %s', (verdict, _what, recorded, outcome) => {
    expect(compareOutcome(recorded, outcome).verdict).toBe(verdict)
  })

  it('that differs says where, with both', () => {
    expect(compareOutcome(succeeded(json({ a: { b: 1 } })), now({ a: { b: 2 } }))).toEqual({
      verdict: 'different',
      detail: 'the result: /a/b is 2 instead of 1',
      recorded: '{"a":{"b":1}}',
      replayed: '{"a":{"b":2}}',
    })
  })
})
