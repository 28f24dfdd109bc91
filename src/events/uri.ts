const unreserved = 'A-Za-z0-9\\-._~'
const subDelims = "!$&'()*+,;="
const pchar = `(?:[${unreserved}${subDelims}:@]|%[0-9A-Fa-f]{2})`
const userHostPort = `(?:[${unreserved}${subDelims}:@]|%[0-9A-Fa-f]{2})*`
const authority = `(?:(?:[${unreserved}${subDelims}:]|%[0-9A-Fa-f]{2})*@)?\\[[0-9A-Za-z:.~_!$&'()*+,;=\\-]+\\](?::[0-9]*)?|${userHostPort}`
const queryOrFragment = `(?:[${unreserved}${subDelims}:@/?]|%[0-9A-Fa-f]{2})*`
const tail = `(?:\\?${queryOrFragment})?(?:#${queryOrFragment})?$`
const hierarchy = `(?://(?:${authority})(?:/${pchar}*)*|/(?:${pchar}+(?:/${pchar}*)*)?|`

const absolute = new RegExp(`^[A-Za-z][A-Za-z0-9+.\\-]*:${hierarchy}(?:${pchar}+(?:/${pchar}*)*)?)${tail}`)
/** The first segment of a relative path has no colon: `1a:b` is neither a scheme nor a path (§4.2). */
const firstSegment = `(?:[${unreserved}${subDelims}@]|%[0-9A-Fa-f]{2})+`
const relative = new RegExp(`^${hierarchy}(?:${firstSegment}(?:/${pchar}*)*)?)${tail}`)

/** Whether a text is a URI with a scheme (RFC 3986 §3); a fragment is allowed, as schema URIs often carry one. */
export function isUri(text: string): boolean {
  return absolute.test(text)
}

/** Whether a text is a URI-reference (RFC 3986 §4.1): a URI or a relative reference. */
export function isUriReference(text: string): boolean {
  return absolute.test(text) || relative.test(text)
}
