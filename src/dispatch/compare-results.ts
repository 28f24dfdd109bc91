import { isJsonMediaType, parseMediaType } from '../events/media-type.ts'
import type { FunctionResult } from '../sinks/function-result.ts'

/** Larger JSON is compared by its bytes alone: parsing would hold up what runs beside. */
const maxParsedBytes = 256 * 1024

/** Characters of one value in a sentence. */
const maxShownValue = 80

/**
 * Says in words how the results of a shadow version differ from the real ones, undefined when they are the same: as many,
 * each with equal meta, content type and bytes. JSON is the same when its values are, whatever the order of members.
 */
export function differenceOf(real: readonly FunctionResult[], shadow: readonly FunctionResult[]): string | undefined {
  if (real.length !== shadow.length) return `${countOf(shadow.length)} instead of ${real.length}`
  for (const [index, one] of real.entries()) {
    const difference = differenceOfOne(one, shadow[index] as FunctionResult)
    if (difference === undefined) continue
    return real.length === 1 ? `the result: ${difference}` : `result ${index + 1}: ${difference}`
  }
  return undefined
}

function differenceOfOne(real: FunctionResult, shadow: FunctionResult): string | undefined {
  if (real.contentType !== shadow.contentType)
    return `content type ${shown(shadow.contentType)} instead of ${shown(real.contentType)}`
  const meta = differenceOfJson(real.meta, shadow.meta)
  if (meta !== undefined) return `meta ${meta}`
  if (real.data.equals(shadow.data)) return undefined
  const bytes = `other bytes, ${shadow.data.length} instead of ${real.data.length}`
  const type = parseMediaType(real.contentType)
  if (type === undefined || !isJsonMediaType(type)) return bytes
  if (Math.max(real.data.length, shadow.data.length) > maxParsedBytes) return bytes
  try {
    return differenceOfJson(JSON.parse(real.data.toString()), JSON.parse(shadow.data.toString()))
  } catch {
    return bytes
  }
}

/** The first difference of two JSON values, with its path. Without recursion: results come from anybody's code. */
function differenceOfJson(real: unknown, shadow: unknown): string | undefined {
  const open: (readonly [path: string, real: unknown, shadow: unknown])[] = [['', real, shadow]]
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const [path, a, b] = pair
    if (Object.is(a, b) || a === b) continue
    if (!isContainer(a) || !isContainer(b) || Array.isArray(a) !== Array.isArray(b))
      return `${path || '/'} is ${shown(b)} instead of ${shown(a)}`
    // Pushed in reverse, so that the first difference of a reader is the first one told.
    for (const name of [...new Set([...Object.keys(a), ...Object.keys(b)])].reverse())
      open.push([`${path}/${name.slice(0, maxShownValue)}`, valueOf(a, name), valueOf(b, name)])
  }
  return undefined
}

function isContainer(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** A member may be called like something that every object has. */
function valueOf(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

function shown(value: unknown): string {
  if (value === undefined) return 'absent'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (isContainer(value)) return 'an object'
  const text = JSON.stringify(typeof value === 'string' ? value.slice(0, maxShownValue) : value)
  return typeof value === 'string' && value.length > maxShownValue ? `${text}…` : text
}

function countOf(results: number): string {
  return results === 1 ? '1 result' : `${results} results`
}
