import { describe, expect, it } from 'vitest'
import { maxParsedBytes, parseBody, parsePointer, valueAt } from '../../src/events/json-pointer.ts'

describe('JSON pointers', () => {
  const document = { foo: ['bar', 'baz'], '': 0, 'a/b': 1, 'm~n': 8, '~1': 9, 'i\\j': 5, ' ': 7, nested: { x: null } }
  it.each<[string, unknown]>([
    ['', document], ['/foo', ['bar', 'baz']], ['/foo/0', 'bar'], ['/', 0], ['/a~1b', 1], ['/m~0n', 8], ['/~01', 9], ['/i\\j', 5], ['/ ', 7], ['/nested/x', null],
    ['/foo/2', undefined], ['/foo/01', undefined], ['/foo/-', undefined], ['/foo/length', undefined], ['/toString', undefined], ['/__proto__', undefined],
    ['/foo/0/x', undefined], ['/nested/x/y', undefined],
  ])('%j finds %j', (pointer, value) => expect(valueAt(document, parsePointer(pointer))).toEqual(value)) // prettier-ignore

  it.each(['foo', '/~', '/~2', '#/foo'])('%j is none', pointer =>
    expect(() => parsePointer(pointer)).toThrow(SyntaxError),
  )

  it('parses bodies up to the bound', () => {
    const json = (bytes: number) => Buffer.from(`"${'x'.repeat(bytes - 2)}"`)
    expect(parseBody(json(maxParsedBytes))).toHaveProperty('value')
    expect(parseBody(json(maxParsedBytes + 1))).toHaveProperty('problem')
    for (const body of [null, Buffer.alloc(0), Buffer.from('{'), Buffer.from([0x22, 0xff, 0x22])])
      expect(parseBody(body)).toHaveProperty('problem')
  })
})
