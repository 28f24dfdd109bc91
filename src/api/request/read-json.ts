import { SluiceError } from '../../errors/sluice-error.ts'
import { joinPath } from '../../config/config-node.ts'

/** Values of one body, names not counted: far above any real one, far below what would fill the memory. */
const maxValues = 100_000

/** Deep enough for every schema of the API. */
const maxDepth = 64

/** Names that would become more than a property once a careless hand copies them. */
const forbiddenNames = new Set(['__proto__', 'constructor'])

const quote = 0x22
const comma = 0x2c
const openingBracket = 0x5b
const backslash = 0x5c
const closingBracket = 0x5d
const openingBrace = 0x7b
const closingBrace = 0x7d

/**
 * Reads a JSON body; undefined for an empty one. Size in values and depth are looked at before anything is built: a few
 * megabytes of brackets would become gigabytes of objects.
 * @throws {SluiceError} SLUICE_API_INVALID_REQUEST.
 */
export function readJson(body: Uint8Array): unknown {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const problem = problemOfShape(bytes)
  if (problem !== undefined) throw invalid(problem)
  const text = textOf(bytes)
  if (text.trim() === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    // The parser's message quotes the body, which may hold what belongs into no log.
    const place = / at position \d+( \(line \d+ column \d+\))?| end of JSON input/.exec(String(error))?.[0] ?? ''
    throw invalid(`the body is not valid JSON${place.replace(' end of JSON input', ': it ends too early')}`, error)
  }
  refuseForbiddenNames(value)
  return value
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw invalid('the body is not valid UTF-8', error)
  }
}

/** One pass over the bytes; strings are stepped over. What is no JSON at all is left to the parser. */
function problemOfShape(bytes: Buffer): string | undefined {
  let depth = 0
  let values = 1
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case quote:
        at = endOfString(bytes, at + 1)
        break
      case openingBracket:
      case openingBrace:
        if (++depth > maxDepth) return `the body is nested deeper than ${maxDepth} levels`
        values++
        break
      case closingBracket:
      case closingBrace:
        depth--
        break
      case comma:
        values++
        break
      default:
    }
    if (values > maxValues) return `the body has more than ${maxValues} values`
  }
  return undefined
}

function endOfString(bytes: Buffer, from: number): number {
  for (let at = from; ; at++) {
    at = bytes.indexOf(quote, at)
    if (at === -1) return bytes.length
    let backslashes = 0
    while (at - backslashes > from && bytes[at - backslashes - 1] === backslash) backslashes++
    if (backslashes % 2 === 0) return at
  }
}

function refuseForbiddenNames(root: unknown): void {
  const open: { readonly value: unknown; readonly path: string }[] = [{ value: root, path: '' }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path } = next
    if (Array.isArray(value)) {
      value.forEach((item, index) => open.push({ value: item, path: `${path}[${index}]` }))
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, entry] of Object.entries(value)) {
        const here = joinPath(path, name)
        if (forbiddenNames.has(name)) throw invalid(`${here}: the name ${name} is not allowed in a body`)
        open.push({ value: entry, path: here })
      }
    }
  }
}

const invalid = (message: string, cause?: unknown): SluiceError =>
  new SluiceError('SLUICE_API_INVALID_REQUEST', message, { cause })
