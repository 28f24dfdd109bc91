import { isJsonMediaType, parseMediaType } from '../events/media-type.ts'
import type { FunctionResult } from '../sinks/function-result.ts'

const maxExcerpt = 500

/** What people see of results or of a message: at most 500 characters, bytes that are no text by their number. */
export function excerptOf(shown: string | readonly FunctionResult[]): string {
  if (typeof shown === 'string') return cut(shown)
  if (shown.length === 0) return 'no result'
  const texts: string[] = []
  for (let index = 0, length = 0; index < shown.length && length <= maxExcerpt; index++) {
    const text = textOf(shown[index] as FunctionResult)
    texts.push(text)
    length += text.length + 1
  }
  return cut(texts.join('\n'))
}

function textOf({ contentType, data }: FunctionResult): string {
  const type = parseMediaType(contentType)
  const isText = type !== undefined && (type.essence.startsWith('text/') || isJsonMediaType(type))
  // A character has up to four bytes.
  return isText ? data.subarray(0, maxExcerpt * 4).toString() : `${data.length} bytes of ${contentType}`
}

function cut(text: string): string {
  return text.length <= maxExcerpt ? text : `${text.slice(0, maxExcerpt - 1)}…`
}
