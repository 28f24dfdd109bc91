import Type from 'typebox'
import { namePattern } from '../../config/sections/name.ts'

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
