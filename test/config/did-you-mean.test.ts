import { describe, expect, it } from 'vitest'
import { nearest } from '../../src/config/did-you-mean.ts'

describe('nearest', () => {
  it.each([
    ['streems', 'streams'],
    ['tiemoutMs', 'timeoutMs'],
    ['Sources', 'sources'],
    ['pat', 'path'],
  ])('guesses what %s stands for', (word, expected) => {
    expect(nearest(word, ['streams', 'sources', 'timeoutMs', 'path'])).toBe(expected)
  })

  it('does not guess when nothing is near', () => {
    expect(nearest('kafka', ['streams', 'http'])).toBeUndefined()
    expect(nearest('x', [])).toBeUndefined()
  })
})
