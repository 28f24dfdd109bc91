import { configJsonSchema } from './schema.ts'
import type { JsonSchema } from './json-schema.ts'

/** Any scalar may be written as `${NAME}`; what it becomes is checked when the gateway starts. */
const substitution = { type: 'string', pattern: '\\$\\{' }

/** The JSON Schema for editors: fields with a default may be absent, and `${…}` may stand for any scalar. */
export function editorSchema(): Record<string, unknown> {
  const schema = forEditor(configJsonSchema)
  const repeats = new Map<string, Repeat>()
  countRepeats(schema, 'config', repeats)
  const $defs: Record<string, unknown> = {}
  const root = withReferences(schema, repeats, $defs)
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', $id: 'urn:sluice:config', ...root, $defs }
}

interface Repeat {
  /** Of the definition: that of the field where it was met first. */
  readonly name: string
  count: number
}

/** A mapping stands in every source and its rule in every field of it: written out, the file has 300 KiB. */
const minRepeatLength = 300

function countRepeats(node: unknown, field: string, repeats: Map<string, Repeat>): void {
  if (typeof node !== 'object' || node === null) return
  const text = JSON.stringify(node)
  if (isSchema(node) && text.length >= minRepeatLength) {
    const known = repeats.get(text)
    if (known !== undefined) {
      known.count++
      return
    }
    const taken = [...repeats.values()].filter(repeat => repeat.name.replace(/\d+$/, '') === field).length
    repeats.set(text, { name: taken === 0 ? field : `${field}${taken + 1}`, count: 1 })
  }
  for (const [key, value] of Object.entries(node))
    countRepeats(value, /^\w*[a-z]\w*$/i.test(key) ? key : field, repeats)
}

function withReferences(
  node: object,
  repeats: ReadonlyMap<string, Repeat>,
  $defs: Record<string, unknown>,
): Record<string, unknown> {
  const replace = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map(replace)
    const repeat = isSchema(value) ? repeats.get(JSON.stringify(value)) : undefined
    if (repeat === undefined || repeat.count < 2) return withReferences(value, repeats, $defs)
    $defs[repeat.name] ??= withReferences(value, repeats, $defs)
    return { $ref: `#/$defs/${repeat.name}` }
  }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, replace(value)]))
}

const isSchema = (node: object): boolean => 'anyOf' in node || ('type' in node && typeof node.type === 'string')

function forEditor(schema: JsonSchema): Record<string, unknown> {
  const { required, properties, patternProperties, items, anyOf, ...rest } = schema
  const result: Record<string, unknown> = { ...rest }
  if (properties !== undefined) {
    result.properties = Object.fromEntries(
      Object.entries(properties).map(([name, property]) => [name, forEditor(property)]),
    )
    const needed = (required ?? []).filter(name => properties[name]?.default === undefined)
    if (needed.length > 0) result.required = needed
  }
  if (patternProperties !== undefined) {
    result.patternProperties = Object.fromEntries(
      Object.entries(patternProperties).map(([pattern, property]) => [pattern, forEditor(property)]),
    )
    // The names of a map are not free: without this an editor accepts any of them.
    result.additionalProperties = false
  }
  if (typeof schema.additionalProperties === 'object') {
    result.additionalProperties = forEditor(schema.additionalProperties)
  }
  if (items !== undefined) result.items = forEditor(items)
  if (anyOf !== undefined) return { ...result, anyOf: [...anyOf.map(forBranch), substitution] }
  if (!needsSubstitution(schema)) return result
  const { description, default: value, ...shape } = result
  return {
    ...(description === undefined ? {} : { description }),
    ...(value === undefined ? {} : { default: value }),
    anyOf: [shape, substitution],
  }
}

/** A constant that tells branches apart stays a plain constant: editors choose the branch by it. */
const forBranch = (schema: JsonSchema): unknown => {
  if (schema.const !== undefined) return schema
  if (schema.properties === undefined) return forEditor(schema)
  const result = forEditor(schema)
  const properties = result.properties as Record<string, unknown>
  for (const [name, property] of Object.entries(schema.properties)) {
    if (property.const !== undefined) properties[name] = property
  }
  return result
}

const needsSubstitution = (schema: JsonSchema): boolean => {
  if (schema.const !== undefined) return true
  if (schema.type === 'string') return schema.pattern !== undefined
  return ['integer', 'number', 'boolean'].includes(schema.type ?? '')
}
