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

  it('bounds tracestate', () => {
    expect(isTracestate('a=1,b=2')).toBe(true)
    expect(isTracestate('x'.repeat(512))).toBe(true)
    expect(isTracestate('x'.repeat(513))).toBe(false)
    expect(isTracestate('')).toBe(false)
    expect(isTracestate('a=\n')).toBe(false)
  })
})
