import type { TSchema } from 'typebox'

/** Keywords whose value is a schema, a list of schemas, or a map of schemas. */
const single = new Set(['items', 'additionalProperties', 'not'])
const listed = new Set(['anyOf', 'allOf', 'oneOf'])
const mapped = new Set(['properties', 'patternProperties'])

/** A copy of a schema with its parts converted. */
export function mapSubschemas(schema: TSchema, convert: (part: TSchema) => unknown): Record<string, unknown> {
  const each = (part: unknown): unknown => (typeof part === 'object' && part !== null ? convert(part as TSchema) : part)
  return Object.fromEntries(
    Object.entries(schema).map(([keyword, value]: [string, unknown]) => {
      if (single.has(keyword)) return [keyword, each(value)]
      if (listed.has(keyword)) return [keyword, (value as unknown[]).map(each)]
      if (!mapped.has(keyword)) return [keyword, value]
      const entries = Object.entries(value as object).map(
        ([name, part]: [string, unknown]) => [name, each(part)] as const,
      )
      return [keyword, Object.fromEntries(entries)]
    }),
  )
}

/**
 * What a schema asks of a caller, its parts aside. TypeBox lists fields with a default as required, because they are there
 * afterwards; a caller need not send them. And a map whose names have a pattern takes no other names.
 */
export function askedOfCallers(schema: TSchema): TSchema {
  const { required, properties, patternProperties, additionalProperties } = schema as {
    readonly required?: readonly string[]
    readonly properties?: Readonly<Record<string, { readonly default?: unknown }>>
    readonly patternProperties?: object
    readonly additionalProperties?: unknown
  }
  const isOpenMap = patternProperties !== undefined && additionalProperties === undefined
  const needed = required?.filter(name => properties?.[name]?.default === undefined)
  const asked = Object.entries(schema)
    .filter(([keyword]) => keyword !== 'required' || (needed?.length ?? 0) > 0)
    .map(([keyword, value]: [string, unknown]) => [keyword, keyword === 'required' ? needed : value])
  return Object.fromEntries(isOpenMap ? [...asked, ['additionalProperties', false]] : asked) as TSchema
}

/** What requests are checked against: {@link askedOfCallers} for a schema and all its parts. */
export function requestSchema(schema: TSchema): TSchema {
  return mapSubschemas(askedOfCallers(schema), requestSchema) as unknown as TSchema
}
