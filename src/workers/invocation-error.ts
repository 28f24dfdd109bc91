import type { InvocationError } from './invocation.ts'
import { noMask, type SecretMask } from './secret-mask.ts'

const maxNameBytes = 256
const maxMessageBytes = 4 * 1024
const maxStackBytes = 16 * 1024
const maxReadableChars = 1024 * 1024

/**
 * Describes anything that a handler can throw, within bounds and without ever throwing itself: `throw null`, symbols,
 * proxies, hostile getters, messages of 50 MB. What cannot be read is said to be unreadable, secrets are hidden.
 */
export function describeThrown(
  reason: InvocationError['reason'],
  thrown: unknown,
  mask: SecretMask = noMask,
): InvocationError {
  const name = attempt(() => nameOf(thrown)) ?? 'Error'
  const message = attempt(() => rawMessageOf(thrown)) ?? 'a value that cannot be shown was thrown'
  const stack = attempt(() => stackOf(thrown, message))
  return invocationError(reason, name, message, stack, mask)
}

/** An error of our own making, cut to its bounds. */
export function invocationError(
  reason: InvocationError['reason'],
  name: string,
  message: string,
  stack?: string,
  mask: SecretMask = noMask,
): InvocationError {
  const bounded = {
    reason,
    name: cutMasked(name, maxNameBytes, mask),
    message: cutMasked(message, maxMessageBytes, mask),
  }
  return stack === undefined ? bounded : { ...bounded, stack: cutMasked(stack, maxStackBytes, mask) }
}

/** The text with its secrets hidden, cut to a number of bytes; never through a secret. */
export function cutMasked(text: string, maxBytes: number, mask: SecretMask): string {
  const { longest } = mask
  if (longest === 0) return cut(text, maxBytes)
  // Of a giant text only the beginning is looked at, and what may be half a secret at its end is left out.
  const mostChars = maxBytes + 2 * longest
  if (text.length <= mostChars) return cut(mask.hide(text), maxBytes)
  const hidden = mask.hide(text.slice(0, mostChars))
  return cut(hidden.slice(0, Math.max(0, hidden.length - longest)), maxBytes)
}

/** The text, cut to a number of bytes of UTF-8 without splitting a character. */
export function cut(text: string, maxBytes: number): string {
  // A UTF-16 unit is at least one byte, so a giant text is cut before it is measured.
  const short = text.length > maxBytes ? text.slice(0, maxBytes) : text
  if (short.length * 3 <= maxBytes) return short
  const bytes = Buffer.from(short)
  if (bytes.length <= maxBytes) return short
  let end = maxBytes
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}

function attempt(read: () => string | undefined): string | undefined {
  try {
    const value = read()
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

function nameOf(thrown: unknown): string {
  if (typeof thrown === 'object' && thrown !== null) {
    const name: unknown = (thrown as { name?: unknown }).name
    if (typeof name === 'string' && name !== '') return name
    return 'Error'
  }
  return thrown === null ? 'null' : typeof thrown
}

function rawMessageOf(thrown: unknown): string {
  if (typeof thrown === 'string') {
    if (thrown.length > maxReadableChars) return unreadable(thrown)
    return thrown === '' ? "'' was thrown" : thrown
  }
  if (typeof thrown === 'object' && thrown !== null) {
    const message: unknown = (thrown as { message?: unknown }).message
    // Looking into a giant text copies it, which can be the copy that does not fit into the heap any more.
    if (typeof message === 'string') return message.length > maxReadableChars ? unreadable(message) : message
    return `an object that is no Error was thrown`
  }
  if (typeof thrown === 'function') return 'a function was thrown'
  return `${String(thrown)} was thrown`
}

function unreadable(message: string): string {
  return `a message of ${message.length} characters, which are not kept`
}

function stackOf(thrown: unknown, message: string): string | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined
  // A stack repeats the message.
  const own: unknown = (thrown as { message?: unknown }).message
  if (typeof own === 'string' && own.length > maxReadableChars) return undefined
  const stack: unknown = (thrown as { stack?: unknown }).stack
  if (typeof stack !== 'string') return undefined
  // A stack repeats the message; behind a giant one the frames would be lost.
  if (message.length <= maxMessageBytes) return stack
  const end = stack.indexOf(message)
  return end === -1 ? stack : stack.slice(end + message.length).trimStart()
}
