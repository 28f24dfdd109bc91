import Type from 'typebox'
import { namePattern } from '../../config/sections/name.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { isRfc3339 } from '../../events/rfc3339.ts'

/** What several operations have in their queries and bodies. */

export const strict = { additionalProperties: false }

/** Query fields of lists that are sorted by name. */
export const pageFields = {
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'Most items of one answer.' }),
  after: Type.Optional(Type.String({ pattern: namePattern, description: '`next` of the page before.' })),
}

export const force = Type.Boolean({ default: false, description: 'Delete it although it is in use.' })

/** How long what `sluice dev` makes lives without being renewed. */
export const expiresAfterMs = Type.Integer({
  minimum: 1_000,
  maximum: 86_400_000,
  description: 'Deleted after this time unless it is renewed.',
})

/** The number of a published version in a body. */
export const publishedVersion = (description?: string) =>
  Type.Integer({ minimum: 1, maximum: 999_999_999, ...(description === undefined ? {} : { description }) })

/** Of a version in a query. */
export const versionPattern = '^(latest|[1-9][0-9]{0,8})$'

/** A version in a query, as it is written. */
export const versionText = Type.String({ pattern: versionPattern, description: '`latest` or a published number.' })

/** ms since the epoch, or the shape of RFC 3339; a + in a query string is a space. */
const timePattern =
  '^([0-9]{1,15}|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?([Zz]|[-+ ][0-9]{2}:[0-9]{2}))$'

/** A point in time in a query or body, as it is written; {@link timeOf} reads it. */
export const time = (description: string) =>
  Type.Optional(
    Type.String({
      pattern: timePattern,
      maxLength: 64,
      description: `${description} ms since the epoch, or RFC 3339.`,
      examples: ['2026-01-31T09:00:00Z'],
    }),
  )

/** @param field its name, for the error. @throws {SluiceError} SLUICE_API_INVALID_REQUEST for a day that is not there. */
export function timeOf(text: string, field: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  // A + in a query string is a space.
  const timestamp = text.replace(' ', '+')
  const timeMs = isRfc3339(timestamp) ? Date.parse(timestamp) : NaN
  if (!Number.isNaN(timeMs)) return timeMs
  const message = `${field} must be ms since the epoch, or a time such as 2026-01-31T09:00:00Z`
  throw new SluiceError('SLUICE_API_INVALID_REQUEST', message)
}
