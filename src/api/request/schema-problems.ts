import type { ErrorObject } from 'ajv'
import { joinPath, type ConfigNode } from '../../config/config-node.ts'
import { didYouMean } from '../../config/did-you-mean.ts'
import { chooseBranch, describeSchema, type JsonSchema } from '../../config/json-schema.ts'

/** What a validator found is cut here: each bad item of a long list has its own finding for each branch of a union. */
const maxFindings = 2_000

/** Longest part of a name that a message repeats. */
const shownCharacters = 100

/**
 * Says in words what a validator found, one sentence per problem, each with the path of the field. Of a union only the
 * branch that was meant is spoken of.
 * @param root what the value is called: body, query.
 */
export function schemaProblems(found: readonly ErrorObject[], root: string): string[] {
  const findings = found.slice(0, maxFindings)
  const unions = findings.filter(({ keyword }) => keyword === 'anyOf').map(union => ({ union, ...meantBranch(union) }))
  const isOfAnotherBranch = (finding: ErrorObject): boolean =>
    unions.some(
      ({ union, branchPath }) =>
        finding.schemaPath.startsWith(`${union.schemaPath}/`) &&
        `${finding.instancePath}/`.startsWith(`${union.instancePath}/`) &&
        (branchPath === undefined || !finding.schemaPath.startsWith(`${branchPath}/`)),
    )
  const told = findings.flatMap(finding => {
    if (isOfAnotherBranch(finding)) return []
    const meant = unions.find(({ union }) => union === finding)
    if (meant === undefined) return [sentenceOf(finding, root)]
    const { message, field } = meant
    if (message === undefined) return []
    return [`${field === undefined ? pathOf(finding, root) : join(finding, field, root)} ${message}`]
  })
  return [...new Set(told)]
}

/** The branch of a union that a value means, as a prefix of schema paths; or what to say of the union as a whole. */
function meantBranch({ schema, schemaPath, data }: ErrorObject): {
  readonly branchPath?: string
  readonly message?: string
  readonly field?: string
} {
  const branches = schema as JsonSchema[]
  const choice = chooseBranch(branches, shallowNode(data))
  if (choice.branch === undefined) return choice
  for (const [index, branch] of branches.entries()) {
    if (branch === choice.branch) return { branchPath: `${schemaPath}/${index}` }
    const inner = branch.anyOf?.indexOf(choice.branch) ?? -1
    if (inner !== -1) return { branchPath: `${schemaPath}/${index}/anyOf/${inner}` }
  }
  return { message: `must be ${describeSchema({ anyOf: branches })}` }
}

/** As much of a value as the choice of a branch looks at. */
function shallowNode(value: unknown, depth = 0): ConfigNode {
  const place = { line: 1, column: 1 }
  if (Array.isArray(value)) return { kind: 'list', ...place, items: [] }
  if (typeof value === 'object' && value !== null) {
    const entries = depth > 0 ? [] : Object.entries(value)
    return {
      kind: 'map',
      ...place,
      entries: new Map(
        entries.map(([name, entry]) => [name, { key: place, value: shallowNode(entry, depth + 1) }] as const),
      ),
    }
  }
  return { kind: 'scalar', ...place, value: value as string | number | boolean | null, interpolated: false }
}

function sentenceOf(finding: ErrorObject, root: string): string {
  const { keyword, data, message = 'is not valid' } = finding
  const params = finding.params as Record<string, unknown>
  const schema = (finding.parentSchema ?? {}) as JsonSchema & { readonly enum?: readonly unknown[] }
  const at = pathOf(finding, root)
  switch (keyword) {
    case 'additionalProperties': {
      const name = String(params.additionalProperty)
      const patterns = Object.keys(schema.patternProperties ?? {})
      if (patterns.length > 0) return `${at} has the name '${shown(name)}', which must match ${patterns.join(' or ')}`
      const guess = didYouMean(name, Object.keys(schema.properties ?? {}))
      return `${at} has the unknown field '${shown(name)}'${guess}`
    }
    case 'required':
      return `${join(finding, String(params.missingProperty), root)} is missing`
    case 'enum':
      return `${at} must be one of ${(schema.enum ?? []).join(', ')}`
    case 'type':
    case 'const':
    case 'minimum':
    case 'maximum':
      // A text is not repeated: it may be a secret.
      return `${at} must be ${describeSchema(schema)}${typeof data === 'number' ? `, not ${data}` : ''}`
    case 'pattern':
      return `${at} must match ${schema.pattern ?? ''}`
    case 'minLength':
      return schema.minLength === 1 ? `${at} must not be empty` : `${at} ${message}`
    case 'minItems':
    case 'minProperties':
      return params.limit === 1 ? `${at} must not be empty` : `${at} ${message}`
    case 'uniqueItems':
      return `${at} has the same item twice`
    default:
      return `${at} ${message}`
  }
}

function pathOf({ instancePath }: ErrorObject, root: string): string {
  return namesOf(instancePath).reduce(appended, '') || root
}

const join = ({ instancePath }: ErrorObject, name: string, root: string): string =>
  appended(namesOf(instancePath).reduce(appended, ''), name) || root

/** Indexes of lists and names of fields look alike in a JSON pointer; no field of the API is a number. */
const appended = (path: string, name: string): string =>
  /^\d+$/.test(name) ? `${path}[${name}]` : joinPath(path, shown(name))

const namesOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))

const shown = (name: string): string => (name.length > shownCharacters ? `${name.slice(0, shownCharacters)}…` : name)
