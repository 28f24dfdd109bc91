import { describe, expect, it } from 'vitest'
import { isJsonMediaType, isUtf8MediaType, parseMediaType } from '../../src/events/media-type.ts'

describe('media types', () => {
  it.each([
    ['application/json', 'application/json', undefined],
    ['Application/CloudEvents+JSON; charset=UTF-8', 'application/cloudevents+json', 'utf-8'],
    ['application/json;charset=utf-8', 'application/json', 'utf-8'],
    ['text/plain ; a=b ;Charset="ISO-8859-1"', 'text/plain', 'iso-8859-1'],
    ['text/plain; a="x;charset=utf-16"; charset=utf-8', 'text/plain', 'utf-8'],
    ['application/json;', 'application/json', undefined],
    ['application/vnd.a.b+json', 'application/vnd.a.b+json', undefined],
  ])('parses %j', (text, essence, charset) => {
    expect(parseMediaType(text)).toEqual(charset === undefined ? { essence } : { essence, charset })
    // The second answer comes out of the cache.
    expect(parseMediaType(text)?.essence).toBe(essence)
  })

  it.each([
    '',
    'xyz',
    'a/',
    '/b',
    'a/b/c',
    'a b/c',
    'a/b; c',
    'a/b; c="d',
    'a/b c',
    ' a/b',
    'a/b; =x',
    'a/b\n',
    'a/b;x="\u0001"',
  ])('refuses %j, again and again', text => {
    expect(parseMediaType(text)).toBeUndefined()
    expect(parseMediaType(text)).toBeUndefined()
  })

  it('is done quickly with hostile white space', () => {
    expect(parseMediaType(`a/b${';  '.repeat(300)}x`)).toBeUndefined()
    expect(parseMediaType(`a/b${';  '.repeat(300)}`)?.essence).toBe('a/b')
  })

  it('bounds the length', () => {
    expect(parseMediaType(`a/${'b'.repeat(1022)}`)).toBeDefined()
    expect(parseMediaType(`a/${'b'.repeat(1023)}`)).toBeUndefined()
  })

  it('knows JSON and UTF-8', () => {
    const parse = (text: string) => parseMediaType(text)!
    expect(['text/json', 'application/x+json'].map(text => isJsonMediaType(parse(text)))).toEqual([true, true])
    expect(['application/jsonl', 'text/xml'].map(text => isJsonMediaType(parse(text)))).toEqual([false, false])
    expect(['a/b', 'a/b;charset=utf-8', 'a/b;charset=US-ASCII'].map(text => isUtf8MediaType(parse(text)))).toEqual([
      true,
      true,
      true,
    ])
    expect(isUtf8MediaType(parse('a/b;charset=utf-16'))).toBe(false)
  })
})
