import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readJson } from '../../../src/api/request/read-json.ts'

const read = (text: string) => readJson(Buffer.from(text))

describe('a JSON body', () => {
  it('is read as JSON.parse would', () => {
    fc.assert(
      fc.property(fc.json(), text => {
        fc.pre(!/__proto__|constructor/.test(text))
        expect(read(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  it('is nothing when it is empty, and may begin with a byte order mark', () => {
    expect(read('')).toBeUndefined()
    expect(read(' \n')).toBeUndefined()
    expect(read('\ufeff{"a":1}')).toEqual({ a: 1 })
  })

  it.each([
    ['{', 'the body is not valid JSON at position 1'],
    ['"a', 'the body is not valid JSON at position 2 (line 1 column 3)'],
    ['{"a":1,}', 'the body is not valid JSON at position 7 (line 1 column 8)'],
    ['secret', 'the body is not valid JSON'],
  ])('is refused if it is %j, without a word of it', (text, message) => {
    expect(() => read(text)).toThrow(message)
    expect(() => read(text)).not.toThrow('secret')
  })

  it.each([
    ['{"__proto__":1}', '__proto__: the name __proto__ is not allowed'],
    ['{"a":[{"b c":{"constructor":{}}}]}', 'a[0]."b c".constructor: the name constructor is not allowed'],
    ['{"\\u005f_proto__":1}', '__proto__: the name __proto__ is not allowed'],
  ])('is refused for the name in %s', (text, message) => {
    expect(() => read(text)).toThrow(message)
  })

  it('may speak of such names in its texts', () => {
    expect(read('{"a":"__proto__ \\" {constructor"}')).toEqual({ a: '__proto__ " {constructor' })
  })

  it('is refused when it is deeper than any schema', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    expect(read(nested(64))).toBeDefined()
    expect(() => read(nested(65))).toThrow('nested deeper than 64 levels')
    expect(() => read('[{"a":'.repeat(1_000_000))).toThrow('nested deeper')
  })

  it('is refused when it has more values than any real one, however they are written', () => {
    expect(read(`[${'0,'.repeat(99_000)}0]`)).toHaveLength(99_001)
    expect(() => read(`[${'0,'.repeat(100_000)}0]`)).toThrow('more than 100000 values')
    expect(() => read(`[${'[],'.repeat(60_000)}[]]`)).toThrow('more than 100000 values')
  })

  it('counts no value inside of a text, escaped quotes and backslashes included', () => {
    const texts = [',[{'.repeat(60_000), '\\'.repeat(5) + '"'.repeat(3) + ',[,'.repeat(60_000), '\\\\']
    expect(read(JSON.stringify(texts))).toEqual(texts)
  })
})
