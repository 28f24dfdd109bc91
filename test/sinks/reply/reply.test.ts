import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../../src/errors/sluice-error.ts'
import type { FunctionResult, ResultMeta } from '../../../src/sinks/function-result.ts'
import { replyOf } from '../../../src/sinks/reply/reply.ts'

const result = (meta: ResultMeta = {}, data = '{"a":1}'): FunctionResult => ({
  meta,
  contentType: 'application/json',
  data: Buffer.from(data),
})

describe('a reply', () => {
  it('is 204 without a body when there is no result', () => {
    expect(replyOf([])).toEqual({ status: 204, headers: {}, body: undefined })
  })

  it('is 200 with the value and its content type', () => {
    expect(replyOf([result()])).toEqual({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from('{"a":1}'),
    })
  })

  it('takes status, headers and body as the handler says, and its content type first of all', () => {
    const reply = replyOf([
      result({ status: 201, headers: { Location: '/orders/7', 'Content-Type': 'text/plain' } }, 'ok'),
    ])
    expect(reply.status).toBe(201)
    expect({ ...reply.headers }).toEqual({ location: '/orders/7', 'content-type': 'text/plain' })
    expect(reply.body!.toString()).toBe('ok')
  })

  it('has no body where the status allows none', () => {
    for (const status of [204, 205, 304]) expect(replyOf([result({ status })]).body).toBeUndefined()
  })

  it('is the last of several results: what was returned, after what was emitted', () => {
    expect(replyOf([result({}, 'emitted'), result({}, 'returned')]).body!.toString()).toBe('returned')
  })

  const invalid: [string, ResultMeta][] = [
    ['a status of 100', { status: 100 }],
    ['a status of 600', { status: 600 }],
    ['a status that is no number', { status: 'x' as unknown as number }],
    ['a line end in a value', { headers: { 'x-a': 'b\r\nset-cookie: c' } }],
    ['a line end in a name', { headers: { 'x-a: b\r\nset-cookie': 'c' } }],
    ['an empty name', { headers: { '': 'c' } }],
    ['a value that is no string', { headers: { 'x-a': 7 as unknown as string } }],
    ['a character that no header has', { headers: { 'x-a': '☃' } }],
    ['its own length', { headers: { 'Content-Length': '7' } }],
    ['its own transfer encoding', { headers: { 'Transfer-Encoding': 'chunked' } }],
    ['a value of 10,000 characters', { headers: { 'x-a': 'x'.repeat(10_000) } }],
    ['a hundred headers', { headers: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`x-${i}`, 'y'])) }],
  ]
  it.each(invalid)('is refused with %s', (_name, meta) => {
    expect(() => replyOf([result(meta)])).toThrow(SluiceError)
  })

  it('never has a header that could start another one, whatever the handler returns', () => {
    const meta = fc.record({ status: fc.integer(), headers: fc.dictionary(fc.string(), fc.string()) })
    fc.assert(
      fc.property(meta, meta => {
        try {
          const { status, headers } = replyOf([result(meta)])
          expect(status).toBeGreaterThanOrEqual(200)
          expect(JSON.stringify(Object.entries(headers))).not.toMatch(/\\r|\\n|\\u0000/)
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'SLUICE_SINKS_REPLY_INVALID' })
        }
      }),
    )
  })
})
