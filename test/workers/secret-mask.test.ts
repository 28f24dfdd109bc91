import { formatWithOptions, inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ResolvedBinding } from '../../src/functions/function-version.ts'
import { cutMasked } from '../../src/workers/invocation-error.ts'
import { createSecretMask, maskFor, noMask } from '../../src/workers/secret-mask.ts'

describe('a mask of secrets', () => {
  it('is none when there are no values of at least six characters', () => {
    expect(createSecretMask([])).toBe(noMask)
    expect(createSecretMask(['', 'abcde'])).toBe(noMask)
  })

  it.each([
    [
      'of two that contain each other leaves nothing',
      ['abcdef', 'abcdefghi'],
      '-abcdefghi-abcdefgh-',
      '-[secret]-[secret]gh-',
    ],
    ['takes characters of patterns as they are', ['a.c*e+(g', '[secret'], 'a.c*e+(g abc*e+(g', '[secret] abc*e+(g'],
    ['replaces nothing by a pattern', ['$&$1$$$`'], 'x $&$1$$$` y', 'x [secret] y'],
  ])('%s', (_what, values, text, hidden) => {
    expect(createSecretMask(values).hide(text)).toBe(hidden)
  })

  const secret = fc.string({ unit: 'binary', minLength: 6, maxLength: 30 }).filter(value => !'[secret]'.includes(value))

  it('finds a secret as JSON, the console and URLs write it', () => {
    fc.assert(
      fc.property(secret, value => {
        const { hide } = createSecretMask([value])
        const written = [
          value,
          JSON.stringify({ value }),
          inspect({ value }),
          formatWithOptions({ breakLength: 120 }, '%s %j %o', value, [value], { value }),
          encodeURIComponent(value.toWellFormed()),
        ]
        for (const text of written) {
          expect(hide(`before ${text} after`)).toContain('[secret]')
          expect(hide(text).includes(value)).toBe(false)
        }
      }),
    )
  })

  it('hides each line of a key of several lines, which a console indents', () => {
    const key = `-----BEGIN KEY-----\n${'abcdefgh'.repeat(20)}\n${'ijklmnop'.repeat(20)}\n-----END KEY-----\n`
    const { hide } = createSecretMask([key])
    for (const text of [
      key.replaceAll('\n', '\n    '),
      inspect({ key }),
      JSON.stringify({ key }),
      inspect([[key]], { breakLength: 40 }),
    ])
      expect(hide(text)).not.toMatch(/abcdefgh|ijklmnop/)
  })

  it('leaves JSON what it is, names and numbers included', () => {
    const { hideInJson } = createSecretMask(['secret-1', '123456', '":true,"'])
    expect(hideInJson('{"a":1}')).toBe('{"a":1}')
    expect(JSON.parse(hideInJson('{"a":true,"b":[123456,"x secret-1",null],"secret-1":{"c":1}}'))).toEqual({
      a: true,
      b: ['[secret]', 'x [secret]', null],
      '[secret]': { c: 1 },
    })
  })

  it('never lets a text be cut through a secret', () => {
    fc.assert(
      fc.property(secret, fc.nat({ max: 60 }), fc.integer({ min: 10, max: 60 }), (value, before, maxBytes) => {
        const mask = createSecretMask([value])
        const text = `${'.'.repeat(before)}${value.repeat(40)}`
        const cut = cutMasked(text, maxBytes, mask)
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(maxBytes)
        const hidden = mask.hide(text)
        expect(hidden.startsWith(cut)).toBe(true)
      }),
    )
  })

  it('covers secrets and what bindings know', () => {
    const http = { type: 'http', baseUrl: 'http://x', timeoutMs: 1, token: 'token-value' } as const
    const bindings: Record<string, ResolvedBinding> = {
      a: { ...http, headers: { Authorization: 'Basic ' + btoa('user:basic-password'), accept: 'application/json' } },
      b: { ...http, headers: { 'x-api-key': 'api-key-value', authorization: 'Bearer bearer-value' } },
      c: {
        type: 'mqtt',
        qos: 1,
        timeoutMs: 1,
        broker: {
          url: 'mqtt://user:url%20password@host',
          protocolVersion: 5,
          password: 'mqtt-password',
          keepaliveSeconds: 30,
          connectTimeoutMs: 1,
          rejectUnauthorized: true,
        },
      },
      d: {
        type: 'kafka',
        brokers: [],
        clientId: 'c',
        sasl: { mechanism: 'plain', username: 'kafka-user', password: 'kafka-password' },
      },
    }
    const { hide } = maskFor({ secrets: { S: 'secret-value' }, bindings })
    for (const value of [
      'secret-value',
      'token-value',
      'basic-password',
      'api-key-value',
      'bearer-value',
      'url password',
      'mqtt-password',
      'kafka-password',
    ])
      expect(hide(`<${value}>`)).toBe('<[secret]>')
    for (const value of ['application/json', 'Bearer', 'kafka-user']) expect(hide(value)).toBe(value)
  })
})
