import type { TSchema } from 'typebox'
import { askedOfCallers, mapSubschemas } from '../request-schema.ts'

export type Json = Record<string, unknown>

/** Who writes a value: a caller may leave out what has a default, an answer is complete. */
export type Direction = 'request' | 'answer'

/**
 * Turns schemas into those of the document: what has a name becomes a reference to `components.schemas`. A schema that reads
 * differently for callers stands there twice.
 */
export class SchemaReferences {
  /** By content: a schema that is made optional is a copy. */
  readonly #names: ReadonlyMap<string, string>
  readonly #schemas = new Map<string, Json>()

  constructor(named: Readonly<Record<string, TSchema>>) {
    this.#names = new Map(Object.entries(named).map(([name, schema]) => [JSON.stringify(schema), name]))
  }

  /** The named schemas that were referred to so far, by name. */
  get components(): Json {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  of(schema: TSchema, direction: Direction): Json {
    const name = this.#names.get(JSON.stringify(schema))
    const inline = this.#inline(schema, direction)
    if (name === undefined) return inline
    const isSame = direction === 'answer' || JSON.stringify(inline) === JSON.stringify(this.#inline(schema, 'answer'))
    const fullName = isSame ? name : `${name}Input`
    this.#schemas.set(fullName, inline)
    return { $ref: `#/components/schemas/${fullName}` }
  }

  #inline(schema: TSchema, direction: Direction): Json {
    return mapSubschemas(direction === 'request' ? askedOfCallers(schema) : schema, part => this.of(part, direction))
  }
}
