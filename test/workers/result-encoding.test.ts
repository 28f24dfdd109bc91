import { describe, expect, it } from 'vitest'
import { encodeResult, ResultProblem } from '../../src/workers/result-encoding.ts'

const limit = 1000

describe('encodeResult', () => {
  it.each([
    ['a string', 'text', { meta: {}, contentType: 'text/plain; charset=utf-8', data: 'text' }],
    ['a value', { a: 1 }, { meta: {}, contentType: 'application/json', data: '{"a":1}' }],
    ['an array', [1, 2], { meta: {}, contentType: 'application/json', data: '[1,2]' }],
    ['false', false, { meta: {}, contentType: 'application/json', data: 'false' }],
    ['bytes', Buffer.from('x'), { meta: {}, contentType: 'application/octet-stream', data: Buffer.from('x') }],
    [
      'an event',
      { type: 't', source: '/s', subject: 'a', id: 'ignored', datacontenttype: 'text/csv', tenant: 'x', data: 'a;b' },
      {
        meta: { type: 't', source: '/s', subject: 'a', extensions: { tenant: 'x' } },
        contentType: 'text/csv',
        data: 'a;b',
      },
    ],
    [
      'a reply',
      { status: 201, headers: { 'Content-Type': 'text/html', 'X-N': 1 }, body: '<p>' },
      {
        meta: { status: 201, headers: { 'content-type': 'text/html', 'x-n': '1' } },
        contentType: 'text/html',
        data: '<p>',
      },
    ],
    [
      'a reply without a body',
      { status: 204 },
      { meta: { status: 204 }, contentType: 'text/plain; charset=utf-8', data: '' },
    ],
    [
      'a value that has a status among others',
      { status: 200, id: 1 },
      { meta: {}, contentType: 'application/json', data: '{"status":200,"id":1}' },
    ],
  ])('encodes %s', (_name, value, expected) => {
    expect(encodeResult(value, limit)).toEqual(expected)
  })

  it('makes nothing of nothing', () => {
    expect([encodeResult(undefined, limit), encodeResult(null, limit)]).toEqual([undefined, undefined])
  })

  it('adds what emit asks for', () => {
    expect(encodeResult('x', limit, { sink: 's', topic: 't', key: 'k', headers: { A: 'b' } })?.meta).toEqual({
      sink: 's',
      topic: 't',
      key: 'k',
      headers: { a: 'b' },
    })
  })

  it.each([
    ['a function', () => 1, 'bad-result'],
    ['a symbol', Symbol('x'), 'bad-result'],
    ['a BigInt', { n: 1n }, 'bad-result'],
    ['an event with a bad attribute name', { type: 't', data: 1, 'Not-Good': 1 }, 'bad-result'],
    ['an event with an object attribute', { type: 't', data: 1, nested: {} }, 'bad-result'],
    [
      'a toJSON that throws',
      {
        toJSON() {
          throw null
        },
      },
      'bad-result',
    ],
    ['a text over the limit', 'ü'.repeat(501), 'result-too-large'],
    ['bytes over the limit', Buffer.alloc(1001), 'result-too-large'],
  ])('refuses %s', (_name, value, reason) => {
    expect(() => encodeResult(value, limit)).toThrow(ResultProblem)
    expect(() => encodeResult(value, limit)).toThrow(expect.objectContaining({ reason }) as Error)
  })

  it('accepts exactly the limit', () => {
    expect(encodeResult('ü'.repeat(500), limit)?.data).toBe('ü'.repeat(500))
  })
})
