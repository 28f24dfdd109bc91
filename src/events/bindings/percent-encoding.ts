const needsEncoding = /[^\x21\x23\x24\x26-\x7e]/
const runs = /[^\x21\x23\x24\x26-\x7e]+/g
const printable = /^[\x20-\x7e\t]*$/

/**
 * Encodes an attribute value for an HTTP header (HTTP binding 1.0.2 §3.1.3.2): space, double quote, percent and everything
 * outside U+0021–U+007E as the percent-encoded bytes of its UTF-8.
 * @throws {URIError} for a lone surrogate, which no valid attribute has.
 */
export function percentEncode(value: string): string {
  return needsEncoding.test(value) ? value.replace(runs, encodeURIComponent) : value
}

/**
 * Decodes an HTTP header into an attribute value: first the double-quoted form of older senders, then one round of
 * percent-decoding. undefined when the value is no ASCII, a percent sign stands alone, or the bytes are not UTF-8.
 */
export function percentDecode(value: string): string | undefined {
  if (!printable.test(value)) return undefined
  const text = value.startsWith('"') ? unquote(value) : value
  if (text === undefined || !text.includes('%')) return text
  try {
    // Strict as the binding asks: overlong forms, surrogates and stray percent signs throw.
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** RFC 7230 §3.2.6; undefined when the closing quote is missing or something follows it. */
function unquote(value: string): string | undefined {
  const match = /^"((?:[^"\\]|\\.)*)"$/.exec(value)
  return match === null ? undefined : (match[1] as string).replace(/\\(.)/g, '$1')
}
