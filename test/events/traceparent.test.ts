import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTracestate, parseTraceparent } from '../../src/events/traceparent.ts'

const trace = '0af7651916cd43dd8448eb211c80319c'
const span = 'b7ad6b7169203331'

describe('traceparent', () => {
  it('gives its parts', () => {
    expect(parseTraceparent(`00-${trace}-${span}-01`)).toEqual({ traceId: trace, spanId: span, flags: 1 })
    expect(parseTraceparent(`00-${trace}-${span}-ff`)?.flags).toBe(255)
  })

  it('reads a later version as the first one, with or without more fields', () => {
    expect(parseTraceparent(`01-${trace}-${span}-00`)?.traceId).toBe(trace)
    expect(parseTraceparent(`cc-${trace}-${span}-01-what-the-future-brings`)?.spanId).toBe(span)
  })

  it.each([
    '', 'x', `ff-${trace}-${span}-01`, `00-${'0'.repeat(32)}-${span}-01`, `00-${trace}-${'0'.repeat(16)}-01`, `00-${trace}-${span}-01-x`,
    `00-${trace}-${span}-01-`, `01-${trace}-${span}-01x`, `00-${trace.toUpperCase()}-${span}-01`, `00-${trace}-${span}-1`, `0-${trace}-${span}-01`,
    `00-${trace}-${span}`, ` 00-${trace}-${span}-01`, `00-${trace}-${span}-0g`, `01-${trace}-${span}-01-${'x'.repeat(600)}`, `00_${trace}_${span}_01`,
  ])('ignores %j', text => expect(parseTraceparent(text)).toBeUndefined()) // prettier-ignore

  const hex = (length: number) => fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length }) // prettier-ignore
  const nonZero = (length: number) => hex(length).filter(id => !/^0+$/.test(id))

  it('is read whatever its ids and flags, and refused with any one character too many, too few or in upper case', () => {
    fc.assert(
      fc.property(nonZero(32), nonZero(16), hex(2), fc.nat(54), (traceId, spanId, flags, at) => {
        const text = `00-${traceId}-${spanId}-${flags}`
        expect(parseTraceparent(text)).toEqual({ traceId, spanId, flags: Number.parseInt(flags, 16) })
        expect(parseTraceparent(text.slice(0, at) + text.slice(at + 1))).toBeUndefined()
        expect(parseTraceparent(`${text.slice(0, at)}0${text.slice(at)}`)).toBeUndefined()
        if (text.toUpperCase() !== text) expect(parseTraceparent(text.toUpperCase())).toBeUndefined()
        expect(parseTraceparent(`ff${text.slice(2)}`)).toBeUndefined()
      }),
    )
  })
})

describe('tracestate', () => {
  const members = (count: number): string => Array.from({ length: count }, (_, index) => `k${index}=v`).join(',')

  it.each([
    'a=1', 'a=1,b=2', 'a=1, b=2', 'a=1 \t,\t b=2', 'a=1,,b=2', ',a=1,', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE', 'a_-*/0=!~ x',
    '0tenant@system=v', `${'t'.repeat(241)}@${'s'.repeat(14)}=1`, `${'k'.repeat(256)}=v`, `k=${'v'.repeat(256)}`, members(32),
  ])('hands on %j', text => expect(isTracestate(text)).toBe(true)) // prettier-ignore

  it.each([
    ['nothing', ''], ['no member', ' , ,'], ['no value', 'a='], ['no key', '=1'], ['no equals sign', 'a'], ['an upper-case key', 'A=1'],
    ['a key that begins with a digit', '0a=1'], ['a blank in the key', 'a b=1'], ['a blank before the equals sign', 'a =1'],
    ['a second equals sign', 'a=1=2'], ['a line feed', 'a=\n'], ['a letter beyond ASCII', 'a=ü'], ['a key twice', 'a=1,b=2,a=3'],
    ['33 members', members(33)], ['a key that is too long', `${'k'.repeat(257)}=v`], ['a value that is too long', `k=${'v'.repeat(257)}`],
    ['a tenant that is too long', `${'t'.repeat(242)}@s=1`], ['a system that is too long', `t@${'s'.repeat(15)}=1`],
    ['more than 512 characters', `a=${'v'.repeat(250)},b=${'v'.repeat(250)},c=${'v'.repeat(20)}`],
  ])('is dropped with %s', (_what, text) => expect(isTracestate(text)).toBe(false)) // prettier-ignore

  it('answers for any text, and quickly', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 600 }), text => {
        expect(typeof isTracestate(text)).toBe('boolean')
      }),
    )
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z][a-z0-9]{0,4}$/), { minLength: 1, maxLength: 40 }), keys => {
        const isValid = new Set(keys).size === keys.length && keys.length <= 32
        expect(isTracestate(keys.map(key => `${key}=1`).join(','))).toBe(isValid)
      }),
    )
  })
})
