import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { percentDecode, percentEncode } from '../../../src/events/bindings/percent-encoding.ts'

describe('percent-encoding of HTTP headers', () => {
  it('encodes what the binding asks for, and nothing else', () => {
    expect(percentEncode('Euro € 😀')).toBe('Euro%20%E2%82%AC%20%F0%9F%98%80')
    expect(percentEncode('100% "x"\n\u007f')).toBe('100%25%20%22x%22%0A%7F')
    const plain = "!#$&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~"
    expect(percentEncode(plain)).toBe(plain)
  })

  it('gives back every text, in printable ASCII without space and quote', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }).filter(text => text.isWellFormed()),
        text => {
          const encoded = percentEncode(text)
          expect(encoded).toMatch(/^[\x21\x23-\x7e]*$/)
          expect(percentDecode(encoded)).toBe(text)
        },
      ),
    )
  })

  it.each([
    ['%41%62c', 'Abc'],
    ['%e2%82%ac', '€'],
    ['%2541', '%41'],
    ['"a \\"b\\" \\\\ %20"', 'a "b" \\  '],
    ['plain text', 'plain text'],
    ['', ''],
    ['""', ''],
  ])('decodes %j', (value, text) => expect(percentDecode(value)).toBe(text))

  it.each([
    '%C0%A0',
    '%',
    '50%',
    '%zz',
    '%e2%82',
    '%ED%A0%80',
    '%FF',
    'é',
    '"open',
    '"a" b',
    '"a\\"',
    'a\u0000',
    '%F4%90%80%80',
  ])('refuses %j', value => {
    expect(percentDecode(value)).toBeUndefined()
  })

  it('meets any header value without throwing', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary-ascii' }), text => void percentDecode(`"${text}%`)))
  })
})
