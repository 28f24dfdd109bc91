/*
 * Where the parts of a JSON document stand in its bytes, so that `data` of a structured event stays the sender's bytes:
 * numbers beyond 2^53, the order of members and white space survive. All functions expect bytes that JSON.parse has
 * accepted, and do no checks of their own.
 */

/** A member of an object: its name, decoded, and the bytes of its value without white space around it. */
export interface MemberSlice {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** Members of the object that starts at `at` or behind white space there; repeated names are all listed. */
export function objectMembers(bytes: Buffer, from = 0): MemberSlice[] {
  const members: MemberSlice[] = []
  let at = skipSpace(bytes, skipSpace(bytes, from) + 1)
  while (bytes[at] !== closingBrace) {
    const nameEnd = skipValue(bytes, at)
    const name = nameOf(bytes, at, nameEnd)
    const start = skipSpace(bytes, skipSpace(bytes, nameEnd) + 1)
    const end = skipValue(bytes, start)
    members.push({ name, start, end })
    at = skipSpace(bytes, end)
    if (bytes[at] === comma) at = skipSpace(bytes, at + 1)
  }
  return members
}

/** Start positions of the elements of the array that starts at `from` or behind white space there. */
export function arrayElements(bytes: Buffer, from = 0): number[] {
  const elements: number[] = []
  let at = skipSpace(bytes, skipSpace(bytes, from) + 1)
  while (bytes[at] !== closingBracket) {
    elements.push(at)
    at = skipSpace(bytes, skipValue(bytes, at))
    if (bytes[at] === comma) at = skipSpace(bytes, at + 1)
  }
  return elements
}

const quote = 0x22
const comma = 0x2c
const backslash = 0x5c
const openingBracket = 0x5b
const closingBracket = 0x5d
const openingBrace = 0x7b
const closingBrace = 0x7d

export function skipSpace(bytes: Buffer, from: number): number {
  let at = from
  for (let byte = bytes[at]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = bytes[at]) at++
  return at
}

/** End of the value that starts at `from`. Depth is counted, not recursed, so nesting costs no stack. */
function skipValue(bytes: Buffer, from: number): number {
  let depth = 0
  let at = from
  while (at < bytes.length) {
    const byte = bytes[at]
    if (byte === quote) at = skipString(bytes, at)
    else if (byte === openingBrace || byte === openingBracket) {
      depth++
      at++
      continue
    } else if (byte === closingBrace || byte === closingBracket) {
      depth--
      at++
    } else if (depth > 0) {
      at++
      continue
    } else at = skipLiteral(bytes, at)
    if (depth === 0) return at
  }
  return at
}

function skipString(bytes: Buffer, from: number): number {
  let at = from + 1
  while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1
  return at + 1
}

function skipLiteral(bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length) {
    const byte = bytes[at] as number
    if (byte === comma || byte === closingBrace || byte === closingBracket || byte <= 0x20) return at
    at++
  }
  return at
}

function nameOf(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start + 1, end - 1)
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text
}
