/** What a scalar became after `${…}` was replaced. */
export interface Interpolation {
  readonly text: string
  /** Whether any of it came from the environment or a default in `${…}`: only such text is coerced to numbers. */
  readonly replaced: boolean
  /** Variables that are not set and have no default. */
  readonly missing: readonly string[]
  /** `${` without a valid name and end. */
  readonly malformed: string | undefined
}

const reference = /\$(\$\{)|\$\{([^}]*)\}?/g
const body = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/

/**
 * Replaces `${NAME}` and `${NAME:-default}` in one scalar, as a shell does: the default also stands in for an empty
 * value. `$${` is a literal `${`. Defaults are not interpolated again, and no value ever is: what the environment
 * holds is data.
 */
export function interpolate(text: string, environment: Readonly<Record<string, string | undefined>>): Interpolation {
  if (!text.includes('${')) return { text, replaced: false, missing: [], malformed: undefined }
  let replaced = false
  let malformed: string | undefined
  const missing: string[] = []
  const result = text.replace(reference, (whole: string, escaped: string | undefined, inner: string | undefined) => {
    if (escaped !== undefined) return '${'
    const match = whole.endsWith('}') ? body.exec(inner ?? '') : null
    const name = match?.[1]
    if (match === null || name === undefined) {
      malformed ??= whole
      return whole
    }
    replaced = true
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined
    const fallback = match[2]
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value
    if (value === undefined) missing.push(name)
    return value ?? ''
  })
  return { text: result, replaced, missing, malformed }
}
