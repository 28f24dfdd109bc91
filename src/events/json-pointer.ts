import { isUtf8 } from 'node:buffer'

/** Bodies over this size in bytes are not parsed on the main thread, whoever asks. */
export const maxParsedBytes = 64 * 1024

/**
 * Splits a JSON pointer (RFC 6901) into its decoded reference tokens.
 * @throws {SyntaxError} when it is none.
 */
export function parsePointer(pointer: string): readonly string[] {
  if (pointer === '') return []
  if (!pointer.startsWith('/')) throw new SyntaxError('a JSON pointer starts with "/"')
  if (/~(?![01])/.test(pointer)) throw new SyntaxError('"~" stands for itself only as "~0", and "~1" is "/"')
  return pointer
    .slice(1)
    .split('/')
    .map(token => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** What a document has at a pointer; undefined when there is nothing. Inherited properties do not count. */
export function valueAt(document: unknown, tokens: readonly string[]): unknown {
  let value = document
  for (const token of tokens) {
    if (typeof value !== 'object' || value === null) return undefined
    if (Array.isArray(value) && !/^(?:0|[1-9]\d*)$/.test(token)) return undefined
    if (!Object.hasOwn(value, token)) return undefined
    value = (value as Record<string, unknown>)[token]
  }
  return value
}

/** A parsed body, or why there is none; the clause goes on after "the body". */
export type ParsedBody = { readonly value: unknown } | { readonly problem: string }

/** Parses a body for a pointer, bounded by {@link maxParsedBytes}. */
export function parseBody(body: Buffer | null): ParsedBody {
  if (body === null || body.length === 0) return { problem: 'is empty' }
  if (body.length > maxParsedBytes) return { problem: `is larger than ${maxParsedBytes} bytes and is not parsed` }
  if (!isUtf8(body)) return { problem: 'is not UTF-8' }
  try {
    return { value: JSON.parse(body.toString()) as unknown }
  } catch {
    return { problem: 'is not JSON' }
  }
}
