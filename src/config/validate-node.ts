import { didYouMean } from './did-you-mean.ts'
import { joinPath, type ConfigNode, type MapNode, type ScalarNode } from './config-node.ts'
import type { ConfigProblem } from './config-problem.ts'
import { chooseBranch, describeSchema, isAcceptedKind, type JsonSchema } from './json-schema.ts'

/**
 * Checks a node against a JSON Schema and builds the plain value: defaults filled in, text from `${…}` turned into the
 * number or boolean that its place asks for. Every problem is added to `problems`; the value is only of use when there
 * are none. A general validator is not used because it knows neither places nor which text came from the environment,
 * and says of a union only that no branch matched.
 */
export function validateNode(schema: JsonSchema, node: ConfigNode, problems: ConfigProblem[], path = ''): unknown {
  const report = (message: string, at: { line: number; column: number } = node, where = path): undefined => {
    problems.push({ line: at.line, column: at.column, path: where, message })
    return undefined
  }
  if (schema.anyOf !== undefined) {
    const choice = chooseBranch(schema.anyOf, node)
    if (choice.branch !== undefined) return validateNode(choice.branch, node, problems, path)
    const { field, message } = choice
    const blamed = field === undefined || node.kind !== 'map' ? undefined : node.entries.get(field)?.value
    return field === undefined ? report(message) : report(message, blamed, joinPath(path, field))
  }
  if (node.kind === 'scalar') return validateScalar(schema, node, report)
  // Everything without a type or constant is open: whatever stands there is taken.
  if (schema.type === undefined && schema.const === undefined) return plainValue(node)
  if (!isAcceptedKind(schema, node)) return report(`must be ${describeSchema(schema)}, not ${describeNode(node)}`)
  if (node.kind === 'map') return validateMap(schema, node, problems, path, report)

  const items: unknown[] = []
  if (schema.minItems !== undefined && node.items.length < schema.minItems) {
    report(`must have at least ${count(schema.minItems, 'item')}`)
  }
  if (schema.maxItems !== undefined && node.items.length > schema.maxItems) {
    report(`must have at most ${count(schema.maxItems, 'item')}`)
  }
  for (const [index, item] of node.items.entries()) {
    const value = validateNode(schema.items ?? {}, item, problems, `${path}[${index}]`)
    if (schema.uniqueItems === true && items.includes(value))
      report('stands twice in the list', item, `${path}[${index}]`)
    items.push(value)
  }
  return items
}

type Report = (message: string, at?: { line: number; column: number }, where?: string) => undefined

function validateMap(
  schema: JsonSchema,
  node: MapNode,
  problems: ConfigProblem[],
  path: string,
  report: Report,
): unknown {
  const properties = schema.properties ?? {}
  const patterns = Object.entries(schema.patternProperties ?? {})
  // Free names may be `__proto__`; the fields of a section cannot.
  const others = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
  const open = patterns.length > 0 || schema.additionalProperties !== false
  if (node.entries.size < (schema.minProperties ?? 0)) report('must not be empty')
  const { maxProperties = Infinity } = schema
  if (node.entries.size > maxProperties)
    report(`has ${node.entries.size} entries; at most ${maxProperties} are allowed`)
  const value = (open ? Object.create(null) : {}) as Record<string, unknown>
  for (const [name, entry] of node.entries) {
    const here = joinPath(path, name)
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined
    const byPattern = patterns.find(([pattern]) => new RegExp(pattern, 'u').test(name))
    const of = property ?? byPattern?.[1] ?? others
    if (of === undefined) {
      const allowed = patterns.map(([pattern]) => pattern).join(' or ')
      if (allowed !== '') report(`the name must match ${allowed}`, entry.key, here)
      else if (schema.additionalProperties === false) {
        report(`there is no such field${didYouMean(name, Object.keys(properties))}`, entry.key, here)
      } else value[name] = plainValue(entry.value)
      continue
    }
    // `token: ${TOKEN:-}` and an empty `streams:` mean that the field is not given.
    const mayBeAbsent = property === undefined ? false : isOptional(schema, name)
    if (mayBeAbsent && isBlank(entry.value) && !isAcceptedKind(of, entry.value)) continue
    if (mayBeAbsent && isEmptySubstitution(entry.value)) continue
    value[name] = validateNode(of, entry.value, problems, here)
  }
  for (const [name, property] of Object.entries(properties)) {
    if (Object.hasOwn(value, name) || (node.entries.has(name) && !isOptional(schema, name))) continue
    if (property.default !== undefined) value[name] = defaultValue(property)
    else if (!isOptional(schema, name)) report(`the field '${name}' is missing: ${describeSchema(property)}`)
  }
  return value
}

function validateScalar(schema: JsonSchema, node: ScalarNode, report: Report): unknown {
  const value = coerce(schema, node)
  if (schema.const !== undefined) {
    return value === schema.const ? value : report(`must be ${describeSchema(schema)}`)
  }
  if (schema.type === undefined) return value
  if (!isAcceptedKind(schema, { ...node, value, interpolated: false })) {
    return report(`must be ${describeSchema(schema)}, not ${describeNode({ ...node, value })}`)
  }
  if (typeof value === 'number') {
    const { minimum = -Infinity, maximum = Infinity } = schema
    if (value < minimum || value > maximum) return report(`must be ${describeSchema(schema)}, not ${value}`)
  }
  if (typeof value === 'string') {
    // The text itself is not repeated: it may be a secret.
    if (schema.minLength !== undefined && value.length < schema.minLength) {
      return report(schema.minLength === 1 ? 'must not be empty' : `must have at least ${schema.minLength} characters`)
    }
    if (schema.maxLength !== undefined && value.length > schema.maxLength) {
      return report(`must have at most ${schema.maxLength} characters`)
    }
    if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
      return report(`must match ${schema.pattern}`)
    }
  }
  return value
}

/** Only text that came from the environment is turned into something else; `port: "8080"` in the file stays a mistake. */
function coerce(schema: JsonSchema, node: ScalarNode): ScalarNode['value'] {
  const { value } = node
  if (!node.interpolated || typeof value !== 'string') return value
  const wanted = schema.const === undefined ? schema.type : typeof schema.const
  const text = value.trim()
  if ((wanted === 'integer' || wanted === 'number') && /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) return Number(text)
  if (wanted === 'boolean' && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true'
  return schema.const === text ? text : value
}

function isOptional(schema: JsonSchema, name: string): boolean {
  const hasDefault = schema.properties?.[name]?.default !== undefined
  return hasDefault || schema.required?.includes(name) !== true
}

const isBlank = (node: ConfigNode): boolean => node.kind === 'scalar' && node.value === null

const isEmptySubstitution = (node: ConfigNode): boolean =>
  node.kind === 'scalar' && node.interpolated && node.value === ''

/** A default of `{}` stands for the defaults of the fields inside. */
function defaultValue(schema: JsonSchema): unknown {
  const { default: value } = schema
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return structuredClone(value)
  const empty: MapNode = { kind: 'map', line: 1, column: 1, entries: new Map() }
  return validateNode(schema, empty, [])
}

function plainValue(node: ConfigNode): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(plainValue)
  const value = Object.create(null) as Record<string, unknown>
  for (const [name, entry] of node.entries) value[name] = plainValue(entry.value)
  return value
}

function describeNode(node: ConfigNode): string {
  if (node.kind === 'map') return 'a map'
  if (node.kind === 'list') return 'a list'
  if (node.value === null) return 'empty'
  return typeof node.value === 'string' ? 'a text' : String(node.value)
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`
