import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arrayElements, objectMembers } from '../../src/events/json-slices.ts'

const spaces = fc.constantFrom(undefined, 1, '\t', ' \r\n')

describe('slices of JSON', () => {
  it('finds every member of any object, and the bytes of its value', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { noNullPrototype: true }),
        spaces,
        (object, space) => {
          const bytes = Buffer.from(`  ${JSON.stringify(object, null, space)} `)
          const found = objectMembers(bytes).map(({ name, start, end }) => [
            name,
            JSON.parse(bytes.toString('utf8', start, end)),
          ])
          expect(found).toEqual(Object.entries(JSON.parse(bytes.toString()) as object))
        },
      ),
    )
  })

  it('finds every element of any array', () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true })),
        spaces,
        (array, space) => {
          const bytes = Buffer.from(JSON.stringify(array, null, space))
          const names = arrayElements(bytes).map(at => objectMembers(bytes, at).map(member => member.name))
          expect(names).toEqual((JSON.parse(bytes.toString()) as object[]).map(element => Object.keys(element)))
        },
      ),
    )
  })

  it('lists a repeated name twice and decodes escapes in names', () => {
    const bytes = Buffer.from('{"a":1, "\\u0061" : [2,{"x":"]}"}] ,"b":""}')
    expect(objectMembers(bytes).map(({ name, start, end }) => [name, bytes.toString('utf8', start, end)])).toEqual([
      ['a', '1'],
      ['a', '[2,{"x":"]}"}]'],
      ['b', '""'],
    ])
  })

  it('keeps what a number looked like, and is not stopped by nesting', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    const bytes = Buffer.from(`{"n":12345678901234567890.10,"d":${deep}}`)
    const [number, nested] = objectMembers(bytes)
    expect(bytes.toString('utf8', number!.start, number!.end)).toBe('12345678901234567890.10')
    expect(nested!.end - nested!.start).toBe(200_000)
  })
})
