import { SluiceError } from '../errors/sluice-error.ts'
import type { RecordHeaders } from '../log/log-record.ts'
import { attributeProblem } from './cloud-event-validation.ts'
import { parseBody, parsePointer, valueAt, type ParsedBody } from './json-pointer.ts'
import type { Mapping, MappingValue } from './mapping-schema.ts'

/** The protocols a mapping can read from; each knows its own places. */
export type MappingKind = 'http' | 'mqtt' | 'kafka'

/** What a mapping may look at; a place that the protocol does not have is absent. */
export interface MappingInput {
  readonly body: Buffer | null
  /** HTTP headers (lower-case names) or MQTT 5 user properties. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Raw query without `?`. */
  readonly query?: string
  readonly topic?: string
  readonly recordHeaders?: RecordHeaders | null
  readonly key?: Buffer | null
}

/** Attributes that a mapping sets, by name; `dedupId` is no attribute and stands beside them. */
export type MappedField =
  'type' | 'source' | 'subject' | 'id' | 'time' | 'datacontenttype' | 'dataschema' | 'partitionkey' | 'dedupId'

export type MappedAttributes = { readonly [field in MappedField]?: string } & {
  readonly extensions?: Readonly<Record<string, string>>
}

export interface CompiledMapping {
  /** Whether some value comes out of the body, so that a message has to be parsed. */
  readonly usesBody: boolean
  /** Whether every message gets the same values: nothing is looked at, and nothing can fail. */
  readonly isConstant: boolean
  /**
   * Maps one message.
   * @throws {SluiceError} SLUICE_EVENTS_MAPPING naming the field and the place, when nothing is found there and there is
   *   no fallback, or what is found cannot be that attribute.
   */
  map(input: MappingInput): MappedAttributes
  /** Maps only one field, an extension by its name; undefined when the mapping does not set it. Throws as {@link map}. */
  field(input: MappingInput, name: string): string | undefined
}

const fields: readonly MappedField[] = [
  'type', 'source', 'subject', 'id', 'time', 'datacontenttype', 'dataschema', 'partitionkey', 'dedupId',
] // prettier-ignore

/** Parsed at most once per message, however many pointers ask. */
interface Scope {
  readonly input: MappingInput
  parsed?: ParsedBody
}

type Extract = (scope: Scope) => string | undefined

/**
 * Compiles a mapping for one protocol.
 * @throws {SluiceError} SLUICE_CONFIG_INVALID for a place the protocol does not have, a pointer that is none, or a constant
 *   that cannot be that attribute.
 */
export function compileMapping(mapping: Mapping, kind: MappingKind): CompiledMapping {
  const constants: Record<string, string> = {}
  const dynamic = new Map<string, Extract>()
  const extensionNames = Object.keys(mapping.extensions ?? {})
  const isExtension = new Set(extensionNames)
  let usesBody = false
  const add = (name: string, value: MappingValue): void => {
    if (typeof value === 'string') constants[name] = checkedConstant(name, value)
    else {
      usesBody ||= 'pointer' in value
      dynamic.set(name, extractor(name, value, kind))
    }
  }
  for (const name of fields) {
    const value = mapping[name]
    if (value !== undefined) add(name, value)
  }
  for (const name of extensionNames) {
    if (fields.includes(name as MappedField) || reservedNames.has(name)) {
      throw invalidMapping(`extensions.${name}`, 'has a name that is no extension attribute')
    }
    add(name, (mapping.extensions as Record<string, MappingValue>)[name] as MappingValue)
  }
  const fixed = Object.freeze(withExtensions(constants, isExtension))
  return {
    usesBody,
    isConstant: dynamic.size === 0,
    map(input) {
      if (dynamic.size === 0) return fixed
      const scope: Scope = { input }
      const values: Record<string, string> = { ...constants }
      for (const [name, extract] of dynamic) {
        const value = extract(scope)
        if (value !== undefined) values[name] = value
      }
      return extensionNames.length === 0 ? values : withExtensions(values, isExtension)
    },
    field(input, name) {
      const extract = dynamic.get(name)
      if (extract !== undefined) return extract({ input })
      return Object.hasOwn(constants, name) ? constants[name] : undefined
    },
  }
}

const reservedNames = new Set(['specversion', 'data', 'traceparent', 'tracestate'])

function withExtensions(values: Record<string, string>, isExtension: ReadonlySet<string>): MappedAttributes {
  if (isExtension.size === 0) return values
  const mapped: Record<string, unknown> = {}
  const extensions: Record<string, string> = {}
  for (const [name, value] of Object.entries(values)) {
    if (isExtension.has(name)) extensions[name] = value
    else mapped[name] = value
  }
  return Object.keys(extensions).length === 0 ? mapped : { ...mapped, extensions }
}

type Extraction = Exclude<MappingValue, string>

function extractor(name: string, value: Extraction, kind: MappingKind): Extract {
  const { find, place } = finder(name, value, kind)
  const fallback = value.default === undefined ? undefined : checkedConstant(name, value.default)
  const isOptional = value.optional === true
  return scope => {
    const found = find(scope)
    if (found !== undefined && found !== '') {
      const problem = problemOf(name, found)
      if (problem !== undefined) throw mappingError(name, `what is at ${place} cannot be used, it ${problem}`, place)
      return found
    }
    if (fallback !== undefined || isOptional) return fallback
    const reason = scope.parsed !== undefined && 'problem' in scope.parsed ? `, the body ${scope.parsed.problem}` : ''
    throw mappingError(name, `nothing was found at ${place}${reason}, and the mapping has no default`, place)
  }
}

function finder(name: string, value: Extraction, kind: MappingKind): { find: Extract; place: string } {
  if ('header' in value) {
    const wanted = value.header
    if (kind === 'kafka') return { place: `Kafka header "${wanted}"`, find: ({ input }) => recordHeader(input, wanted) }
    if (kind === 'mqtt') return { place: `user property "${wanted}"`, find: ({ input }) => header(input, wanted) }
    const lowerCase = wanted.toLowerCase()
    return { place: `header "${wanted}"`, find: ({ input }) => header(input, lowerCase) }
  }
  if ('query' in value) {
    if (kind !== 'http') throw wrongPlace(name, 'query', kind)
    const wanted = value.query
    return {
      place: `query parameter "${wanted}"`,
      find: ({ input }) => (input.query ? (new URLSearchParams(input.query).get(wanted) ?? undefined) : undefined),
    }
  }
  if ('topicLevel' in value) {
    if (kind !== 'mqtt') throw wrongPlace(name, 'topicLevel', kind)
    const level = value.topicLevel
    return { place: `topic level ${level}`, find: ({ input }) => input.topic?.split('/').at(level) }
  }
  if ('kafkaKey' in value) {
    if (kind !== 'kafka') throw wrongPlace(name, 'kafkaKey', kind)
    return { place: 'the record key', find: ({ input }) => input.key?.toString() }
  }
  return { place: `JSON pointer "${value.pointer}"`, find: pointerFinder(name, value.pointer) }
}

function pointerFinder(name: string, pointer: string): Extract {
  let tokens: readonly string[]
  try {
    tokens = parsePointer(pointer)
  } catch (thrown) {
    throw invalidMapping(name, `has an invalid JSON pointer "${pointer}": ${(thrown as Error).message}`)
  }
  return scope => {
    const parsed = (scope.parsed ??= parseBody(scope.input.body))
    if ('problem' in parsed) return undefined
    const found = valueAt(parsed.value, tokens)
    return typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean'
      ? String(found)
      : undefined
  }
}

function header({ headers }: MappingInput, name: string): string | undefined {
  if (headers === undefined || !Object.hasOwn(headers, name)) return undefined
  const value = headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

function recordHeader({ recordHeaders }: MappingInput, wanted: string): string | undefined {
  for (const [name, value] of recordHeaders ?? []) if (name === wanted) return value.toString()
  return undefined
}

/** The deduplication id is no attribute, but goes the same ways, so the rules of `id` hold for it. */
function problemOf(name: string, value: string): string | undefined {
  return attributeProblem(name === 'dedupId' ? 'id' : name, value)
}

function checkedConstant(name: string, value: string): string {
  const problem = problemOf(name, value)
  if (problem !== undefined) throw invalidMapping(name, `has a constant that cannot be used, it ${problem}`)
  return value
}

function wrongPlace(name: string, place: string, kind: MappingKind): SluiceError {
  return invalidMapping(
    name,
    `uses ${place}, which ${kind === 'http' ? 'HTTP' : kind === 'mqtt' ? 'MQTT' : 'Kafka'} messages do not have`,
  )
}

function invalidMapping(name: string, message: string): SluiceError {
  return new SluiceError('SLUICE_CONFIG_INVALID', `the mapping of "${name}" ${message}`, { details: { field: name } })
}

function mappingError(name: string, message: string, place: string): SluiceError {
  return new SluiceError('SLUICE_EVENTS_MAPPING', `the mapping of "${name}" failed: ${message}`, {
    details: { field: name, place },
  })
}
