import { SluiceError } from '../errors/sluice-error.ts'
import type { LogRecord } from '../log/log-record.ts'
import { isAttributeName } from './cloud-event-validation.ts'
import type { EventReader } from './event-reader.ts'
import type { Filter } from './filter-schema.ts'
import { parseBody, parsePointer, valueAt, type ParsedBody } from './json-pointer.ts'

/** Whether a trigger takes the event of a record; pure, and never throws for a record that has no problem. */
export type CompiledFilter = (reader: EventReader, record: LogRecord) => boolean

/** One evaluation; the body is parsed at most once, and only when a condition gets there. */
interface Scope {
  readonly reader: EventReader
  readonly record: LogRecord
  parsed?: ParsedBody
}

type Condition = (scope: Scope) => boolean
type TextTest = (value: string | undefined) => boolean
type DataTest = (value: unknown) => boolean

const maxDepth = 8

/**
 * Compiles a filter of {@link FilterSchema}; an empty one takes everything.
 * @throws {SluiceError} SLUICE_CONFIG_INVALID naming the member that is wrong.
 */
export function compileFilter(filter: Filter): CompiledFilter {
  const condition = compile(filter, 'filter', 0)
  return (reader, record) => condition({ reader, record })
}

function compile(filter: unknown, path: string, depth: number): Condition {
  if (!isObject(filter)) throw invalid(path, 'must be an object')
  if (depth > maxDepth) throw invalid(path, `is nested deeper than ${maxDepth} levels`)
  const cheap: Condition[] = []
  // Conditions on the body come last: most events are out before anything is parsed.
  const costly: Condition[] = []
  for (const [name, value] of Object.entries(filter)) {
    const at = `${path}.${name}`
    switch (name) {
      case 'all':
        costly.push(every(listOf(value, at).map((each, i) => compile(each, `${at}[${i}]`, depth + 1))))
        break
      case 'any': {
        const conditions = listOf(value, at).map((each, i) => compile(each, `${at}[${i}]`, depth + 1))
        costly.push(scope => conditions.some(condition => condition(scope)))
        break
      }
      case 'not': {
        const condition = compile(value, at, depth + 1)
        costly.push(scope => !condition(scope))
        break
      }
      case 'exact':
      case 'prefix':
      case 'suffix':
        if (!isObject(value)) throw invalid(at, 'must map attributes to texts')
        for (const [attribute, text] of Object.entries(value)) {
          cheap.push(attributeCondition(attribute, { [name]: text }, `${at}.${attribute}`))
        }
        break
      case 'data':
        if (!isObject(value)) throw invalid(at, 'must map JSON pointers to conditions')
        for (const [pointer, expected] of Object.entries(value)) {
          costly.push(dataCondition(pointer, expected, `${at}["${pointer}"]`))
        }
        break
      default:
        cheap.push(attributeCondition(name, value, at))
    }
  }
  return every([...cheap, ...costly])
}

function every(conditions: readonly Condition[]): Condition {
  if (conditions.length === 1) return conditions[0] as Condition
  return scope => {
    for (const condition of conditions) if (!condition(scope)) return false
    return true
  }
}

function attributeCondition(name: string, expected: unknown, path: string): Condition {
  if (!isAttributeName(name)) throw invalid(path, 'is no attribute name: only 1 to 20 of a-z and 0-9 are allowed')
  const tests = listOf(Array.isArray(expected) ? expected : [expected], path).map(each => textTest(each, path))
  const [only] = tests
  if (tests.length === 1 && only !== undefined) return ({ reader, record }) => only(reader.attribute(record, name))
  return ({ reader, record }) => {
    const value = reader.attribute(record, name)
    return tests.some(test => test(value))
  }
}

function textTest(expected: unknown, path: string): TextTest {
  if (typeof expected === 'string') {
    if (expected === '*') return value => value !== undefined
    if (!expected.endsWith('*')) return value => value === expected
    const prefix = expected.slice(0, -1)
    return value => value !== undefined && value.startsWith(prefix)
  }
  const [name, text] = onlyMember(expected, path)
  if (name === 'exists' && typeof text === 'boolean') return value => (value !== undefined) === text
  if (typeof text === 'string') {
    if (name === 'exact') return value => value === text
    // CloudEvents Subscriptions: prefix and suffix must not be empty, as they would match everything.
    if (name === 'prefix' && text !== '') return value => value !== undefined && value.startsWith(text)
    if (name === 'suffix' && text !== '') return value => value !== undefined && value.endsWith(text)
  }
  throw invalid(path, 'must be a text, { exact }, { prefix }, { suffix } or { exists }')
}

function dataCondition(pointer: string, expected: unknown, path: string): Condition {
  let tokens: readonly string[]
  try {
    tokens = parsePointer(pointer)
  } catch (thrown) {
    throw invalid(path, `is no JSON pointer: ${(thrown as Error).message}`)
  }
  const tests = listOf(Array.isArray(expected) ? expected : [expected], path).map(each => dataTest(each, path))
  return scope => {
    const parsed = (scope.parsed ??= parseBody(bodyOf(scope)))
    if ('problem' in parsed) return false
    const value = valueAt(parsed.value, tokens)
    return tests.some(test => test(value))
  }
}

/** The data of the event, also when the filter runs before the record was resolved. */
function bodyOf({ reader, record }: Scope): Buffer | null {
  return (reader.resolve?.(record) ?? record).value
}

function dataTest(expected: unknown, path: string): DataTest {
  if (expected === null || typeof expected === 'number' || typeof expected === 'boolean')
    return value => value === expected
  if (isObject(expected) && Object.keys(expected).some(name => Object.hasOwn(comparisons, name)))
    return boundsTest(expected, path)
  if (isObject(expected) && typeof expected['exists'] === 'boolean' && Object.keys(expected).length === 1) {
    const { exists } = expected
    return value => (value !== undefined) === exists
  }
  const test = textTest(expected, path)
  return value => typeof value === 'string' && test(value)
}

const comparisons: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  gt: (value, bound) => value > bound,
  gte: (value, bound) => value >= bound,
  lt: (value, bound) => value < bound,
  lte: (value, bound) => value <= bound,
}

function boundsTest(expected: Readonly<Record<string, unknown>>, path: string): DataTest {
  const bounds = Object.entries(expected).map(([name, bound]) => {
    const compare = Object.hasOwn(comparisons, name) ? comparisons[name] : undefined
    if (compare === undefined || typeof bound !== 'number')
      throw invalid(path, 'must have numbers for gt, gte, lt, lte only')
    return { compare, bound }
  })
  return value => typeof value === 'number' && bounds.every(({ compare, bound }) => compare(value, bound))
}

function onlyMember(value: unknown, path: string): [string, unknown] {
  const members = isObject(value) ? Object.entries(value) : []
  const [only] = members
  if (members.length !== 1 || only === undefined) throw invalid(path, 'must be a text or an object with one member')
  return only
}

function listOf(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw invalid(path, 'must be a list with at least one element')
  return value
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(path: string, message: string): SluiceError {
  return new SluiceError('SLUICE_CONFIG_INVALID', `${path} ${message}`, { details: { path } })
}
