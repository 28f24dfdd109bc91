import type { TSchema } from 'typebox'

export type Json = Record<string, unknown>

/** Who writes a value: a caller may leave out what has a default, an answer is complete. */
export type Direction = 'request' | 'answer'

/** Keywords whose value is a schema, a list of schemas, or a map of schemas. */
const single = new Set(['items', 'additionalProperties', 'not'])
const listed = new Set(['anyOf', 'allOf', 'oneOf'])
const mapped = new Set(['properties', 'patternProperties'])

/**
 * Turns schemas into those of the document: what has a name becomes a reference to `components.schemas`. A schema that reads
 * differently for callers, because of its defaults, stands there twice.
 */
export class SchemaReferences {
  readonly #names: ReadonlyMap<unknown, string>
  readonly #schemas = new Map<string, Json>()

  constructor(named: Readonly<Record<string, TSchema>>) {
    this.#names = new Map(Object.entries(named).map(([name, schema]) => [schema, name]))
  }

  /** The named schemas that were referred to so far, by name. */
  get components(): Json {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  of(schema: TSchema, direction: Direction): Json {
    const name = this.#names.get(schema)
    if (name === undefined) return this.#inline(schema, direction)
    const inline = this.#inline(schema, direction)
    const isSame = direction === 'answer' || JSON.stringify(inline) === JSON.stringify(this.#inline(schema, 'answer'))
    const fullName = isSame ? name : `${name}Input`
    this.#schemas.set(fullName, inline)
    return { $ref: `#/components/schemas/${fullName}` }
  }

  #inline(schema: TSchema, direction: Direction): Json {
    const given = direction === 'request' ? withoutDefaulted(schema) : schema
    return Object.fromEntries(
      Object.entries(given).map(([keyword, value]: [string, unknown]) => {
        const convert = (inner: unknown): unknown =>
          typeof inner === 'object' && inner !== null ? this.of(inner as TSchema, direction) : inner
        if (single.has(keyword)) return [keyword, convert(value)]
        if (listed.has(keyword)) return [keyword, (value as unknown[]).map(convert)]
        if (mapped.has(keyword)) {
          const entries = Object.entries(value as Json).map(([name, inner]) => [name, convert(inner)] as const)
          return [keyword, Object.fromEntries(entries)]
        }
        return [keyword, value]
      }),
    )
  }
}

/** TypeBox lists fields with a default as required, because they are there afterwards; a caller need not send them. */
function withoutDefaulted(schema: TSchema): Json {
  const { required, ...rest } = schema as { required?: string[]; properties?: Record<string, { default?: unknown }> }
  const needed = (required ?? []).filter(name => rest.properties?.[name]?.default === undefined)
  return needed.length > 0 ? { ...rest, required: needed } : rest
}
