const token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
const quoted = '"(?:[ !#-\\[\\]-~]|\\\\[ -~])*"'
// White space between two semicolons can be read in one way only, or a failing match would take for ever.
const grammar = new RegExp(`^(${token}/${token})((?:[ \\t]*;(?:[ \\t]*${token}=(?:${token}|${quoted}))?)*)[ \\t]*$`)
const parameter = new RegExp(`;[ \\t]*(?:(${token})=(?:(${token})|(${quoted})))?[ \\t]*`, 'g')

export interface MediaType {
  /** `type/subtype` in lower case. */
  readonly essence: string
  /** In lower case; absent when not given. */
  readonly charset?: string
}

const cacheLimit = 256
const cache = new Map<string, MediaType | null>()

/**
 * Parses a media type of RFC 2046 with parameters; undefined when it is none. Senders use few different ones, so
 * the last 256 are remembered.
 */
export function parseMediaType(text: string): MediaType | undefined {
  const known = cache.get(text)
  if (known !== undefined) return known ?? undefined
  const parsed = parse(text)
  if (text.length <= 256) {
    if (cache.size >= cacheLimit) cache.clear()
    cache.set(text, parsed ?? null)
  }
  return parsed
}

function parse(text: string): MediaType | undefined {
  if (text.length > 1024) return undefined
  const match = grammar.exec(text)
  if (match === null) return undefined
  const essence = (match[1] as string).toLowerCase()
  // One parameter after the other: a quoted value may well contain `;charset=`.
  for (const [, name, plain, inQuotes] of (match[2] as string).matchAll(parameter)) {
    if (name?.toLowerCase() !== 'charset') continue
    const charset = plain ?? (inQuotes as string).slice(1, -1).replace(/\\(.)/g, '$1')
    return { essence, charset: charset.toLowerCase() }
  }
  return { essence }
}

/** Whether the type declares JSON: a subtype of `json` or `…+json` (JSON format §3.1.1). */
export function isJsonMediaType(type: MediaType): boolean {
  return type.essence.endsWith('/json') || type.essence.endsWith('+json')
}

/** Whether texts of this type can be read as UTF-8; no charset counts as UTF-8. */
export function isUtf8MediaType(type: MediaType): boolean {
  return (
    type.charset === undefined || type.charset === 'utf-8' || type.charset === 'utf8' || type.charset === 'us-ascii'
  )
}
