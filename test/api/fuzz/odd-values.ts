import fc from 'fast-check'

/** Parts of a path, percent-encoded where they have to be; %zz is no encoding at all. */
export const oddPathParts: readonly string[] = [
  '__proto__',
  'constructor',
  'toString',
  '..',
  '.',
  '%2e%2e',
  '..%2f..%2fetc%2fpasswd',
  'a%2Fb',
  'a'.repeat(64),
  'a'.repeat(300),
  '%00',
  'a%00b',
  '%0d%0aset-cookie:%20a=b',
  '%1b%5b31m',
  '%F0%9F%92%A9',
  '%C0%AF',
  '%E0%80',
  '%zz',
  '%',
  '%20',
  'Price',
  '-a',
  '0',
  '-1',
  '01',
  '1e3',
  '1.5',
  '9999999999',
  '99999999999999999999999',
  'latest',
  '*',
  "'%20or%201=1--",
  '$%7Bjndi:x%7D',
  'source:a',
  '%22%22',
]

/** Values of query fields, percent-encoded. */
export const oddQueryValues: readonly string[] = [
  ...oddPathParts.filter(part => part !== '%zz'),
  '',
  '1e999',
  'NaN',
  'Infinity',
  '-0',
  '0x10',
  'TRUE',
  'null',
  '%5B%5D',
  'a=b=c',
  '2026-13-45T99:99:99Z',
  '9007199254740993',
]

export const oddIfMatch: readonly string[] = [
  '',
  '*',
  'x',
  '"',
  '""',
  '"x"',
  '"1", "2"',
  'W/"1"',
  '"99999999999999999999"',
  "'1'",
  '"-1"',
  '"1"'.padStart(300),
]

export const oddContentTypes: readonly string[] = [
  '',
  'text/plain',
  'application/xml',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16',
  'application/json;;;',
  'application/cloudevents+json',
  'json',
  '*/*',
  'application/'.padEnd(2000, 'x'),
]

/** Bodies that are no JSON, or JSON that no schema asks for. */
export const oddBodies: readonly Buffer[] = [
  '',
  ' ',
  '{',
  '}',
  'null',
  'true',
  '[]',
  '"text"',
  '5',
  '1e999',
  '{"a":1e999}',
  '{"__proto__":{"admin":true}}',
  '{"constructor":{"prototype":{"admin":true}}}',
  '{"definition":{"__proto__":{}}}',
  '{"a":1,"a":2}',
  '\ufeff{}',
  '\u0000',
  '{"\\ud800":1}',
  `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
  '{"a":'.repeat(5_000),
  `[${'0,'.repeat(150_000)}0]`,
  `{"${'n'.repeat(100_000)}":1}`,
]
  .map(text => Buffer.from(text))
  .concat([Buffer.from([0x22, 0xff, 0xfe, 0x22]), Buffer.from([0x7b, 0x22, 0xc0, 0x80, 0x22, 0x3a, 0x31, 0x7d])])

const oddJson: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER + 1,
  -2_147_483_649,
  '',
  '__proto__',
  '..',
  'a'.repeat(300),
  'a\u0000b',
  '\u001b[31m',
  '\ud800',
  [],
  {},
  [[[]]],
  { __nope__: 1 },
]

const oddNames: readonly string[] = [
  'foo',
  '__proto__',
  'constructor',
  'toString',
  '',
  '..',
  'a'.repeat(300),
  'a\u0000',
  '$ref',
]

/** A valid value with one mistake: something replaced, left out, or added. */
export function mutated(valid: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const change = fc.record({
    place: fc.nat(),
    how: fc.constantFrom('replace', 'remove', 'add', 'add'),
    name: fc.constantFrom(...oddNames),
    value: fc.constantFrom(...oddJson),
  })
  return fc.tuple(valid, change).map(([value, { place, how, name, value: odd }]) => {
    const copy = structuredClone(value)
    const places = [...placesIn(copy)]
    const chosen = places[place % Math.max(1, places.length)]
    if (chosen === undefined) return odd
    const { holder, key } = chosen
    const inner = Reflect.get(holder, key) as unknown
    if (how === 'remove') Reflect.deleteProperty(holder, key)
    else if (how === 'replace' || typeof inner !== 'object' || inner === null) Reflect.set(holder, key, odd)
    else define(inner, name, odd)
    return copy
  })
}

/** Every part of a value, with what holds it. */
function* placesIn(value: unknown): Generator<{ readonly holder: object; readonly key: string }> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, part] of Object.entries(value)) {
    yield { holder: value, key }
    yield* placesIn(part)
  }
}

/** Not by assignment, which would set the prototype. */
function define(holder: object, name: string, value: unknown): void {
  Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true })
}
