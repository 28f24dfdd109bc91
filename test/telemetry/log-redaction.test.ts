import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LogRedaction } from '../../src/telemetry/log-redaction.ts'

const hide = (facts: object, ...known: string[]): string => {
  const redaction = new LogRedaction()
  redaction.know(known)
  return redaction.hide(`${JSON.stringify(facts)}\n`)
}

describe('a secret that is known', () => {
  it('is in no line, wherever it stood, and the line stays JSON', () => {
    // Of characters that JSON and URLs write in another way, too.
    const secret = fc.string({ unit: fc.constantFrom(...'ab01"\\/+ =ü\n$^.*'), minLength: 6, maxLength: 20 })
    const around = fc.string({ unit: fc.constantFrom(...'xyz "\\\n/') })
    fc.assert(
      fc.property(secret, around, around, (value, before, after) => {
        const line = hide(
          { msg: before + value + after, fact: { deep: [value] }, url: `/?q=${encodeURIComponent(value)}` },
          value,
        )
        expect(() => JSON.parse(line) as unknown).not.toThrow()
        const shown = JSON.parse(line) as { msg: string; fact: { deep: string[] }; url: string }
        expect(shown.fact.deep).toEqual(['[redacted]'])
        expect(shown.msg).toContain('[redacted]')
        expect(shown.url).not.toContain(encodeURIComponent(value))
      }),
    )
  })

  it('is hidden whole when it contains another one, and left when it is so short that it could be anything', () => {
    expect(hide({ msg: 'hunter2-extended and hunter2' }, 'hunter2', 'hunter2-extended')).toBe(
      `${JSON.stringify({ msg: '[redacted] and [redacted]' })}\n`,
    )
    expect(hide({ msg: 'a door' }, 'door')).toContain('a door')
  })
})

describe('a secret that nobody has told of', () => {
  it.each([
    ['a bearer token', 'sent Bearer eyJhbGciOi.J9.abc_-x=', 'sent Bearer [redacted]'],
    ['a header in a text', 'authorization: Basic dXNlcjpwYXNz', 'authorization: [redacted]'],
    ['a header in an object', '{"Authorization":"ApiKey abcdef123"}', '{"Authorization":"[redacted]"}'],
    ['a password in a URL', 'mqtts://user:s3cret%21@broker:8883/x', 'mqtts://user:[redacted]@broker:8883/x'],
    ['a password without a user', 'redis://:s3cret@cache', 'redis://:[redacted]@cache'],
    ['a token in a URL', 'GET /cb?state=1&access_token=abc.def&x=2', 'GET /cb?state=1&access_token=[redacted]&x=2'],
    ['a key in a URL', 'https://maps/?key=AIzaSyD', 'https://maps/?key=[redacted]'],
    ['a signature in a URL', 'https://b/?X-Amz-Signature=0a0b&a=1', 'https://b/?X-Amz-Signature=[redacted]&a=1'],
    ['a password in a URL', 'https://b/?password=p%26w#top', 'https://b/?password=[redacted]#top'],
  ])('is hidden by its place: %s', (_what, text, expected) => {
    const line = hide({ msg: text })
    expect((JSON.parse(line) as { msg: string }).msg).toBe(expected)
  })

  it.each([
    'Basic information of the token bucket',
    'the author of orders/3@17',
    'http://127.0.0.1:8080/v1/functions?label=team',
    'mqtt://127.0.0.1:1883, mail to a@example.org',
    'done orders/0@3 by price: 1 → out',
    'key=c7 trigger=price partitionkey=a',
  ])('takes nothing else away: %s', text => {
    expect((JSON.parse(hide({ msg: text })) as { msg: string }).msg).toBe(text)
  })

  it('leaves any line JSON', () => {
    fc.assert(
      fc.property(fc.json(), fc.string(), (json, text) => {
        const line = hide({ msg: `${text}authorization: ${text} ?token=${text}`, json: JSON.parse(json) as unknown })
        expect(() => JSON.parse(line) as unknown).not.toThrow()
      }),
    )
  })
})
