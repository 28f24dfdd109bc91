import type { TObject, TSchema } from 'typebox'

/**
 * Turns the texts of a query string into what their schemas ask for; what does not look like it stays a text, for the
 * validator to refuse. An empty schema leaves every name unknown.
 */
export function readQuery(schema: TObject, texts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const query: Record<string, unknown> = {}
  for (const [name, text] of Object.entries(texts)) {
    const property = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined
    // Not by assignment: a caller may name a field __proto__.
    Object.defineProperty(query, name, {
      value: property === undefined ? text : typed(property, text),
      enumerable: true,
      writable: true,
      configurable: true,
    })
  }
  return query
}

function typed(schema: TSchema, text: unknown): unknown {
  const { type } = schema as { type?: string }
  if (type === 'array') return Array.isArray(text) ? text : [text]
  if (typeof text !== 'string') return text
  if (type === 'integer' && /^-?\d{1,16}$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}
