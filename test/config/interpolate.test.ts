import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { interpolate } from '../../src/config/interpolate.ts'

const text = (source: string, environment: Record<string, string> = {}) => interpolate(source, environment).text

describe('interpolate', () => {
  it('replaces names, and takes the default for what is unset or empty, as a shell does', () => {
    expect(text('a-${X}-b', { X: '1' })).toBe('a-1-b')
    expect(text('${X:-d}')).toBe('d')
    expect(text('${X:-d}', { X: '' })).toBe('d')
    expect(text('${X}${Y:-}', { X: '1' })).toBe('1')
  })

  it('names what is missing and what is malformed', () => {
    expect(interpolate('${A} ${B}', {}).missing).toEqual(['A', 'B'])
    expect(interpolate('${toString}', {}).missing).toEqual(['toString'])
    expect(interpolate('${A-b}', {}).malformed).toBe('${A-b}')
    expect(interpolate('${A', {}).malformed).toBe('${A')
  })

  it('writes $${ as a literal', () => {
    expect(interpolate('$${X}', { X: '1' })).toEqual({
      text: '${X}',
      replaced: false,
      missing: [],
      malformed: undefined,
    })
  })

  it('never interpolates a value again', () => {
    fc.assert(fc.property(fc.string(), value => text('${X}', { X: value }) === value))
  })

  it('leaves text without ${ as it is', () => {
    fc.assert(
      fc.property(
        fc.string().filter(s => !s.includes('${')),
        s => text(s) === s,
      ),
    )
  })
})
