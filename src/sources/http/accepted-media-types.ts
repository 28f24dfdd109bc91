import { SluiceError } from '../../errors/sluice-error.ts'
import { parseMediaType } from '../../events/media-type.ts'

/** The refusal of a content type that a source does not take; an empty list takes all, a body without type included. */
export function acceptsMediaType(accept: readonly string[], contentType: string | undefined): SluiceError | undefined {
  if (accept.length === 0) return undefined
  const essence = contentType === undefined ? undefined : parseMediaType(contentType)?.essence
  if (essence !== undefined && accept.some(pattern => isMatch(pattern.toLowerCase(), essence))) return undefined
  const message = `the content type ${essence ?? '(none)'} is not taken here; send ${accept.join(' or ')}`
  return new SluiceError('SLUICE_HTTP_CONTENT_TYPE', message, { details: { accept } })
}

function isMatch(pattern: string, essence: string): boolean {
  if (pattern === '*/*' || pattern === essence) return true
  return pattern.endsWith('/*') && essence.startsWith(pattern.slice(0, -1))
}
