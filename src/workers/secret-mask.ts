import { inspect } from 'node:util'
import type { FunctionVersion } from '../functions/function-version.ts'
import { credentialsOf } from './bindings/credentials.ts'

/** Shorter values would be found in texts that have nothing to do with them. */
const minChars = 6
const replacement = '[secret]'

/** Hides the values of secrets in texts that leave a worker. */
export interface SecretMask {
  /** Longest form of a secret; 0 when there is nothing to hide. */
  readonly longest: number
  hide(text: string): string
  /** The same inside of a JSON text, which stays one. */
  hideInJson(json: string): string
}

/** For functions without secrets: nothing is looked at. */
export const noMask: SecretMask = { longest: 0, hide: text => text, hideInJson: json => json }

/** The secrets of a function and the credentials of its bindings. */
export function maskFor({ secrets, bindings }: Pick<FunctionVersion, 'secrets' | 'bindings'>): SecretMask {
  return createSecretMask([...Object.values(secrets), ...Object.values(bindings).flatMap(credentialsOf)])
}

/**
 * Hides every value of at least six characters, as it is and as JSON, the console and URLs write it; of values of several
 * lines also each line, because a console may indent them.
 */
export function createSecretMask(values: Iterable<string>): SecretMask {
  const forms = new Set<string>()
  for (const value of values) for (const form of formsOf(value)) if (form.length >= minChars) forms.add(form)
  if (forms.size === 0) return noMask
  // The longest first, so that of a secret that contains another one nothing is left.
  const sorted = [...forms].sort((a, b) => b.length - a.length)
  const pattern = new RegExp(sorted.map(form => form.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)).join('|'), 'g')
  const hide = (text: string): string => text.replace(pattern, replacement)
  return {
    longest: (sorted[0] as string).length,
    hide,
    hideInJson: json => (json.search(pattern) < 0 ? json : JSON.stringify(hideInValue(JSON.parse(json), hide))),
  }
}

function formsOf(value: string): string[] {
  const lines = value.split(/\r?\n/)
  return [value, ...(lines.length > 1 ? lines : [])].flatMap(text => [
    text,
    JSON.stringify(text).slice(1, -1),
    inspect(text, { breakLength: Infinity, maxStringLength: Infinity }).slice(1, -1),
    encodeURIComponent(text.toWellFormed()),
  ])
}

function hideInValue(value: unknown, hide: (text: string) => string): unknown {
  if (typeof value === 'string') return hide(value)
  if (typeof value === 'number') {
    const text = String(value)
    const hidden = hide(text)
    return hidden === text ? value : hidden
  }
  if (Array.isArray(value)) return value.map(item => hideInValue(item, hide))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [hide(name), hideInValue(item, hide)]))
}
