import type { ConfigNode } from './config-node.ts'

/** The part of JSON Schema that the sections use; a test asserts that they use nothing else. */
export interface JsonSchema {
  readonly type?: string
  readonly const?: string | number | boolean
  readonly anyOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly items?: JsonSchema
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly default?: unknown
  readonly description?: string
}

/** Whether a node is of the kind that a schema without `anyOf` asks for; ranges and patterns are not looked at. */
export function isAcceptedKind(schema: JsonSchema, node: ConfigNode): boolean {
  if (schema.anyOf !== undefined) return schema.anyOf.some(branch => isAcceptedKind(branch, node))
  if (schema.const !== undefined) {
    if (node.kind !== 'scalar') return false
    return node.value === schema.const || (node.interpolated && String(node.value).trim() === String(schema.const))
  }
  switch (schema.type) {
    case undefined:
      return true
    case 'object':
      return node.kind === 'map'
    case 'array':
      return node.kind === 'list'
    case 'string':
      return node.kind === 'scalar' && typeof node.value === 'string'
    case 'integer':
      return node.kind === 'scalar' && (Number.isSafeInteger(node.value) || isNumericText(node))
    case 'number':
      return node.kind === 'scalar' && (Number.isFinite(node.value) || isNumericText(node))
    case 'boolean':
      return node.kind === 'scalar' && (typeof node.value === 'boolean' || isBooleanText(node))
    case 'null':
      return node.kind === 'scalar' && node.value === null
    default:
      throw new TypeError(`a section uses the schema type '${schema.type}', which is not supported`)
  }
}

const isNumericText = (node: ConfigNode): boolean =>
  node.kind === 'scalar' && node.interpolated && /^\s*[+-]?\d+(\.\d+)?(e[+-]?\d+)?\s*$/i.test(String(node.value))

const isBooleanText = (node: ConfigNode): boolean =>
  node.kind === 'scalar' && node.interpolated && /^\s*(true|false)\s*$/i.test(String(node.value))

/** The branch of a union that fits a node, or why none does; `field` is the entry of the node to blame, if it is one. */
export type BranchChoice =
  { readonly branch: JsonSchema } | { readonly branch?: undefined; readonly message: string; readonly field?: string }

/**
 * The branch of a union that a node means: the one its discriminator names (`type: mqtt`), the one whose particular
 * field it has (`{ pointer: … }`), or the first of its kind. So problems are told of what was meant, not of the union.
 */
export function chooseBranch(branches: readonly JsonSchema[], node: ConfigNode): BranchChoice {
  const flat = branches.flatMap(branch => branch.anyOf ?? [branch])
  const ofKind = flat.filter(branch => isAcceptedKind(branch, node))
  const first = ofKind[0]
  if (first === undefined) return { message: `must be ${describeSchema({ anyOf: flat })}` }
  if (node.kind !== 'map' || ofKind.length === 1) return { branch: first }

  const field = discriminatorOf(ofKind)
  if (field !== undefined) {
    const known = ofKind.map(branch => branch.properties?.[field]?.const)
    const value = node.entries.get(field)?.value
    if (value === undefined) return { message: `the field '${field}' is missing: one of ${known.join(', ')}` }
    const branch = ofKind.find((_, index) => value.kind === 'scalar' && value.value === known[index])
    return branch === undefined ? { message: `must be one of ${known.join(', ')}`, field } : { branch }
  }
  // A required field is what tells the branches apart; an optional one that they share must not decide.
  const names = [...node.entries.keys()]
  const score = (branch: JsonSchema) =>
    names.filter(name => branch.required?.includes(name)).length * names.length +
    names.filter(name => Object.hasOwn(branch.properties ?? {}, name)).length
  const best = ofKind.reduce((a, b) => (score(b) > score(a) ? b : a), first)
  return score(best) === 0 ? { message: `must be ${describeSchema({ anyOf: flat })}` } : { branch: best }
}

/** The property that is a different constant in every branch. */
export function discriminatorOf(branches: readonly JsonSchema[]): string | undefined {
  return Object.keys(branches[0]?.properties ?? {}).find(name => {
    const constants = branches.map(branch => branch.properties?.[name]?.const)
    return !constants.includes(undefined) && new Set(constants).size === constants.length
  })
}

/** What a schema asks for, in words: 'an integer from 1 to 65535', 'one of key, none'. */
export function describeSchema(schema: JsonSchema): string {
  if (schema.anyOf !== undefined) {
    const flat = schema.anyOf.flatMap(branch => branch.anyOf ?? [branch])
    const constants = flat.filter(branch => branch.const !== undefined).map(branch => String(branch.const))
    const rest = flat.filter(branch => branch.const === undefined)
    const fields = rest.filter(branch => branch.type === 'object' && branch.required?.length === 1)
    const others = rest.filter(branch => fields.length < 2 || !fields.includes(branch)).map(describeSchema)
    if (fields.length > 1) others.push(`a map with one of ${fields.flatMap(branch => branch.required).join(', ')}`)
    const listed =
      constants.length > 1 ? [`one of ${constants.join(', ')}`] : constants.map(constant => `'${constant}'`)
    return [...new Set([...listed, ...others])].join(', or ')
  }
  if (schema.const !== undefined) return typeof schema.const === 'string' ? `'${schema.const}'` : String(schema.const)
  switch (schema.type) {
    case 'integer':
    case 'number':
      return `${schema.type === 'integer' ? 'an integer' : 'a number'}${range(schema.minimum, schema.maximum)}`
    case 'string':
      return 'a text'
    case 'boolean':
      return 'true or false'
    case 'array':
      return 'a list'
    case 'object': {
      const own = Object.keys(schema.properties ?? {}).filter(name => schema.required?.includes(name))
      return own.length > 0 && own.length <= 3 ? `a map with ${own.join(', ')}` : 'a map'
    }
    default:
      return 'a value'
  }
}

function range(minimum: number | undefined, maximum: number | undefined): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`
  if (minimum !== undefined) return ` of at least ${minimum}`
  return maximum === undefined ? '' : ` of at most ${maximum}`
}
