/** One field that changes; undefined: it is not there. */
export interface FieldChange {
  /** Such as `retry.maxAttempts`. */
  readonly path: string
  readonly from: unknown
  readonly to: unknown
}

/**
 * What is different between two plain JSON values, leaf by leaf, in the order of the fields. A list is one value: which of
 * its items moved is rarely what people ask.
 */
export function fieldChanges(from: unknown, to: unknown, path = ''): readonly FieldChange[] {
  if (isMap(from) && isMap(to)) {
    const names = new Set([...Object.keys(from), ...Object.keys(to)])
    return [...names].flatMap(name => {
      const before = Object.hasOwn(from, name) ? from[name] : undefined
      const after = Object.hasOwn(to, name) ? to[name] : undefined
      return fieldChanges(before, after, joinName(path, name))
    })
  }
  // A map that comes or goes is told by its fields, too.
  if (isMap(to) && from === undefined && Object.keys(to).length > 0) return fieldChanges({}, to, path)
  if (isMap(from) && to === undefined && Object.keys(from).length > 0) return fieldChanges(from, {}, path)
  return isSame(from, to) ? [] : [{ path, from, to }]
}

/** Whether two plain JSON values are the same, whatever the order of fields. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, at) => isSame(item, b[at]))
  if (isMap(a) && isMap(b)) return fieldChanges(a, b).length === 0
  return a === b
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Names of labels have dots and slashes of their own. */
const joinName = (path: string, name: string): string => {
  const shown = /^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name)
  return path === '' ? shown : `${path}.${shown}`
}
