import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { displayWidth, padEnd, plainLines, plainText, truncate } from '../../src/cli/terminal-text.ts'

describe('text of others', () => {
  it('loses what a terminal would obey', () => {
    expect(plainText('a\u001b]0;title\u0007b\u009b31mc\u202ed')).toBe('a ]0;title b 31mc d')
    expect(plainText('two\r\nlines')).toBe('two lines')
    expect(plainLines('two\r\nlines\u001b[2J\tx')).toBe('two\nlines [2J\tx')
  })

  it('takes the columns that it takes', () => {
    expect(displayWidth('price')).toBe(5)
    expect(displayWidth('größe')).toBe(5)
    expect(displayWidth('e\u0301')).toBe(1)
    expect(displayWidth('価格')).toBe(4)
    expect(displayWidth('👍')).toBe(2)
    expect(padEnd('価格', 6)).toBe('価格  ')
  })

  it('is cut off to any width, and says so', () => {
    expect(truncate('price', 5)).toBe('price')
    expect(truncate('prices', 5)).toBe('pric…')
    expect(truncate('価格価格', 4)).toBe('価…')
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(40), (text, columns) => {
        expect(displayWidth(truncate(text, columns))).toBeLessThanOrEqual(columns)
      }),
    )
  })
})
