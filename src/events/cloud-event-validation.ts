import { SluiceError } from '../errors/sluice-error.ts'
import type { CloudEventAttributes, ExtensionValue } from './cloud-event.ts'
import { parseMediaType } from './media-type.ts'
import { isRfc3339 } from './rfc3339.ts'
import { isUri, isUriReference } from './uri.ts'

/** What is wrong with one attribute of something that claims to be a CloudEvent. */
export interface AttributeProblem {
  readonly attribute: string
  /** A clause that goes on after the name of the attribute, e.g. `is missing`. */
  readonly message: string
}

/** Longest attribute value in characters: what an HTTP sender can put into its headers at all. */
export const maxAttributeCharacters = 16 * 1024

/** CloudEvents 1.0.2 §3: lower-case letters and digits; the recommended limit of 20 is taken as a rule. */
const nameGrammar = /^[a-z0-9]{1,20}$/
const printableAscii = /^[\x20-\x7e]*$/
const disallowed = /[\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef]|[\ufffe\uffff]/
const supplementaryNoncharacter =
  /[\u{1fffe}\u{1ffff}\u{2fffe}\u{2ffff}\u{3fffe}\u{3ffff}\u{4fffe}\u{4ffff}\u{5fffe}\u{5ffff}\u{6fffe}\u{6ffff}\u{7fffe}\u{7ffff}\u{8fffe}\u{8ffff}\u{9fffe}\u{9ffff}\u{afffe}\u{affff}\u{bfffe}\u{bffff}\u{cfffe}\u{cffff}\u{dfffe}\u{dffff}\u{efffe}\u{effff}\u{ffffe}\u{fffff}\u{10fffe}\u{10ffff}]/u

export function isAttributeName(name: string): boolean {
  return nameGrammar.test(name) && name !== 'data'
}

/** Why a text is no CloudEvents String (§3.1); undefined when it is one. */
export function stringProblem(value: string): string | undefined {
  if (value.length > maxAttributeCharacters) return `is longer than ${maxAttributeCharacters} characters`
  if (printableAscii.test(value)) return undefined
  if (!value.isWellFormed()) return 'has a lone surrogate'
  if (disallowed.test(value)) return 'has a control character or a Unicode noncharacter'
  return supplementaryNoncharacter.test(value) ? 'has a Unicode noncharacter' : undefined
}

/** Why a value cannot be that attribute; undefined when it can. Values are as in the JSON format, null means unset. */
export function attributeProblem(name: string, value: unknown): string | undefined {
  if (!isAttributeName(name)) {
    return name === 'data' ? 'is a reserved name' : 'is no attribute name: only 1 to 20 of a-z and 0-9 are allowed'
  }
  if (typeof value === 'string') {
    return stringProblem(value) ?? (isTextAttribute(name) ? textProblem(name, value) : undefined)
  }
  if (isTextAttribute(name)) return `must be a string, not ${kindOf(value)}`
  if (typeof value === 'boolean') return undefined
  if (typeof value !== 'number') return `must be a string, an integer or a boolean, not ${kindOf(value)}`
  // Integer is 32 bits wide in CloudEvents (§3.1).
  return Number.isInteger(value) && value >= -2147483648 && value <= 2147483647
    ? undefined
    : `must be a 32-bit integer, not ${value}`
}

function isTextAttribute(name: string): boolean {
  switch (name) {
    case 'id':
    case 'source':
    case 'type':
    case 'specversion':
    case 'subject':
    case 'time':
    case 'datacontenttype':
    case 'dataschema':
    case 'partitionkey':
    case 'traceparent':
    case 'tracestate':
      return true
    default:
      return false
  }
}

function textProblem(name: string, value: string): string | undefined {
  if (value === '') return 'must not be empty'
  switch (name) {
    case 'specversion':
      return value === '1.0' ? undefined : `must be "1.0", not ${shown(value)}`
    case 'source':
      return isUriReference(value) ? undefined : `is no URI-reference (RFC 3986): ${shown(value)}`
    case 'dataschema':
      return isUri(value) ? undefined : `is no absolute URI (RFC 3986): ${shown(value)}`
    case 'time':
      return isRfc3339(value) ? undefined : `is no RFC 3339 timestamp: ${shown(value)}`
    case 'datacontenttype':
      return parseMediaType(value) === undefined ? `is no media type (RFC 2046): ${shown(value)}` : undefined
    default:
      return undefined
  }
}

/** Attributes as they came, by name, `specversion` among them; null is an unset one (JSON format §2.2). */
export type RawAttributes = Iterable<readonly [name: string, value: unknown]>

/** Checks all attributes of one event at once; either they are valid or every problem is named. */
export function checkAttributes(raw: RawAttributes): CloudEventAttributes | readonly AttributeProblem[] {
  const problems: AttributeProblem[] = []
  const seen = new Set<string>()
  const result: Record<string, unknown> = {}
  let extensions: Record<string, ExtensionValue> | undefined
  for (const [name, value] of raw) {
    if (seen.has(name)) {
      problems.push({ attribute: name, message: 'is there twice' })
      continue
    }
    seen.add(name)
    if (value === null && isAttributeName(name)) {
      if (isRequired(name)) problems.push({ attribute: name, message: 'is missing (null)' })
      continue
    }
    const problem = attributeProblem(name, value)
    if (problem !== undefined) problems.push({ attribute: name, message: problem })
    else if (name === 'specversion') continue
    else if (isTextAttribute(name)) result[name] = value
    else (extensions ??= {})[name] = value as ExtensionValue
  }
  for (const name of requiredNames) if (!seen.has(name)) problems.push({ attribute: name, message: 'is missing' })
  if (problems.length > 0) return problems
  if (extensions !== undefined) result['extensions'] = extensions
  return result as unknown as CloudEventAttributes
}

const requiredNames = ['specversion', 'id', 'source', 'type']

function isRequired(name: string): boolean {
  return requiredNames.includes(name)
}

/** As {@link checkAttributes}. @throws {SluiceError} SLUICE_EVENTS_INVALID that names every attribute. */
export function validAttributes(raw: RawAttributes, where = 'the event'): CloudEventAttributes {
  const checked = checkAttributes(raw)
  if (isProblems(checked)) throw invalidEvent(checked, where)
  return checked
}

export function isProblems(
  checked: CloudEventAttributes | readonly AttributeProblem[],
): checked is readonly AttributeProblem[] {
  return Array.isArray(checked)
}

/** The error of an invalid CloudEvent; `where` tells which one, e.g. `event 3 of the batch`. */
export function invalidEvent(problems: readonly AttributeProblem[], where = 'the event'): SluiceError {
  const listed = problems
    .slice(0, 20)
    .map(({ attribute, message }) => ({ attribute: clipped(attribute, 100), message }))
  const message = listed.map(problem => `attribute "${problem.attribute}" ${problem.message}`).join('; ')
  return new SluiceError('SLUICE_EVENTS_INVALID', `${where} is not a valid CloudEvent: ${message}`, {
    details: { problems: listed },
  })
}

const coreNames = [
  'id',
  'source',
  'type',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
  'partitionkey',
  'traceparent',
  'tracestate',
] as const

/** All attributes with `specversion` first, as an encoder needs them. Members that are no attributes are left out. */
export function* attributeEntries(attributes: CloudEventAttributes): Generator<[string, ExtensionValue]> {
  yield ['specversion', '1.0']
  for (const name of coreNames) {
    const value = attributes[name]
    if (value !== undefined) yield [name, value]
  }
  if (attributes.extensions !== undefined) yield* Object.entries(attributes.extensions)
}

/** One attribute by name in its canonical string form (§3.1); undefined when unset. */
export function attributeText(attributes: CloudEventAttributes, name: string): string | undefined {
  if (name === 'specversion') return '1.0'
  if (isTextAttribute(name)) return attributes[name as (typeof coreNames)[number]]
  const { extensions } = attributes
  return extensions !== undefined && Object.hasOwn(extensions, name) ? String(extensions[name]) : undefined
}

/** A value for a message: quoted, escaped and cut, so that it can go into a log line. */
export function shown(value: string): string {
  return JSON.stringify(clipped(value, 100))
}

function clipped(value: string, characters: number): string {
  return value.length > characters ? `${value.slice(0, characters)}…` : value
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  return Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
