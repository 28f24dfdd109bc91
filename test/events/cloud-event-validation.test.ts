import { describe, expect, it } from 'vitest'
import {
  attributeProblem,
  attributeText,
  checkAttributes,
  stringProblem,
  validAttributes,
} from '../../src/events/cloud-event-validation.ts'

const valid: [string, unknown][] = [
  ['specversion', '1.0'],
  ['id', 'a'],
  ['source', '/s'],
  ['type', 't'],
]

const withValue = (name: string, value: unknown) => [
  ...valid.filter(([each]) => each !== name),
  [name, value] as [string, unknown],
]

describe('checking attributes', () => {
  it('takes the required ones and puts what it does not know under extensions', () => {
    expect(checkAttributes([...valid, ['count', 5], ['flag', true], ['traceparent', 'x'], ['subject', null]])).toEqual({
      id: 'a', source: '/s', type: 't', traceparent: 'x', extensions: { count: 5, flag: true },
    }) // prettier-ignore
  })

  it.each(['specversion', 'id', 'source', 'type'])('names %s when it is missing, null or empty', name => {
    const missing = valid.filter(([each]) => each !== name)
    expect(checkAttributes(missing)).toEqual([{ attribute: name, message: 'is missing' }])
    expect(checkAttributes([...missing, [name, null]])).toEqual([{ attribute: name, message: 'is missing (null)' }])
    expect(checkAttributes([...missing, [name, '']])).toEqual([{ attribute: name, message: 'must not be empty' }])
  })

  it('reports every problem at once, in one SLUICE_EVENTS_INVALID', () => {
    expect(() =>
      validAttributes(
        [
          ['specversion', '0.3'],
          ['id', 7],
          ['time', 'lunchtime'],
        ],
        'event 4 of the batch',
      ),
    ).toThrow(
      'event 4 of the batch is not a valid CloudEvent: attribute "specversion" must be "1.0", not "0.3"; ' +
        'attribute "id" must be a string, not a number; attribute "time" is no RFC 3339 timestamp: "lunchtime"; ' +
        'attribute "source" is missing; attribute "type" is missing',
    )
  })

  it('refuses an attribute that is there twice', () => {
    expect(checkAttributes([...valid, ['id', 'b']])).toEqual([{ attribute: 'id', message: 'is there twice' }])
  })

  it.each(['MyExtension', 'my.extension', 'my_ext', 'ext-x', '', 'a'.repeat(21), 'data', 'é', '__proto__'])(
    'refuses the name %j',
    name => {
      expect(attributeProblem(name, 'x')).toBeDefined()
      expect(Array.isArray(checkAttributes([...valid, [name, 'x']]))).toBe(true)
    },
  )

  it.each(['a', '0', 'constructor', 'a'.repeat(20)])('takes the name %j', name => {
    const attributes = validAttributes([...valid, [name, 'x']])
    expect(attributeText(attributes, name)).toBe('x')
  })

  it('does not find attributes in prototypes', () => {
    expect(attributeText({ id: 'a', source: '/', type: 't', extensions: {} }, 'constructor')).toBeUndefined()
  })

  it.each([0, -2147483648, 2147483647, true, false, '', 'text'])('takes %j as an extension', value => {
    expect(attributeProblem('ext', value)).toBeUndefined()
  })

  it.each([1.5, 2147483648, -2147483649, Number.NaN, {}, [], { xyz: 'abc' }])('refuses %j as an extension', value => {
    expect(attributeProblem('ext', value)).toMatch(/integer|string/)
  })

  it.each(['partitionkey', 'traceparent', 'tracestate', 'subject', 'time', 'datacontenttype', 'dataschema'])(
    'takes only non-empty strings for %s',
    name => {
      expect(attributeProblem(name, 5)).toBe('must be a string, not a number')
      expect(attributeProblem(name, '')).toBe('must not be empty')
    },
  )

  it.each([
    ['time', '2018-04-05T18:31Z'],
    ['source', 'a b'],
    ['source', '1:2'],
    ['dataschema', '/relative'],
    ['datacontenttype', 'xyz'],
    ['datacontenttype', 'text/plain; x'],
  ])('refuses %s %j', (name, value) => {
    expect(checkAttributes(withValue(name, value))).toMatchObject([{ attribute: name }])
  })

  it.each([
    ['control', 'a\u0000b'], ['line feed', 'a\nb'], ['delete', 'a\u007fb'], ['C1', 'a\u0085b'], ['lone high', 'a\ud800'], ['lone low', '\udc00a'],
    ['noncharacter', 'a\uffff'], ['noncharacter in the middle', '\ufdd0'], ['supplementary noncharacter', '\u{1ffff}'],
  ])('refuses a string with a %s', (_what, value) => {
    expect(stringProblem(value)).toMatch(/surrogate|control|noncharacter/)
    expect(attributeProblem('id', value)).toBeDefined()
    expect(attributeProblem('ext', value)).toBeDefined()
  }) // prettier-ignore

  it.each(['Grüße', '€ 😀', '\u{10fffd}', ' ', 'a~'])('takes the string %j', value => {
    expect(stringProblem(value)).toBeUndefined()
  })

  it('bounds the length of a value, and of what it repeats in a message', () => {
    expect(stringProblem('x'.repeat(16 * 1024))).toBeUndefined()
    expect(stringProblem('x'.repeat(16 * 1024 + 1))).toMatch(/longer/)
    expect(attributeProblem('time', 'y'.repeat(5000))?.length).toBeLessThan(200)
  })
})
