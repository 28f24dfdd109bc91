/** A change that user code left in the built-ins of its worker; undefined when there is none. */
export type GlobalCheck = () => string | undefined

/** Keys are counted at most this often; what is enumerable or replaced is seen after every frame. */
const countIntervalMs = 50

/**
 * Takes a picture of the built-ins that nearly all code relies on, before user code is loaded, and returns the comparison
 * with it. Cheap enough for every frame (below a microsecond): it compares identities and looks for enumerable additions,
 * which is what plain assignments leave; hidden additions are found by counting keys, now and then.
 */
export function createGlobalCheck(): GlobalCheck {
  const prototypes = { Object, Array, Function, Promise, String, Number, Map, Set, Error, Uint8Array }
  const ownKeys = Reflect.ownKeys
  const counted = Object.entries(prototypes).map(([name, constructor]) => {
    const prototype = constructor.prototype as object
    return { name, prototype, count: ownKeys(prototype).length }
  })
  const watched: [where: Record<string, unknown>, key: string, value: unknown, name: string][] = []
  const watch = (where: object, name: string, ...keys: string[]): void => {
    for (const key of keys) {
      const record = where as Record<string, unknown>
      watched.push([record, key, record[key], `${name}.${key}`])
    }
  }
  watch(JSON, 'JSON', 'parse', 'stringify')
  watch(
    globalThis,
    'globalThis',
    'JSON',
    'Promise',
    'Object',
    'Array',
    'Date',
    'Math',
    'Buffer',
    'process',
    'setTimeout',
    'queueMicrotask',
  )
  watch(Promise.prototype, 'Promise.prototype', 'then')
  watch(Object.prototype, 'Object.prototype', 'toString', 'hasOwnProperty')
  watch(Array.prototype, 'Array.prototype', 'push', 'map', 'filter', 'forEach', 'indexOf', 'slice', 'join')
  watch(Function.prototype, 'Function.prototype', 'call', 'apply', 'bind')
  watch(String.prototype, 'String.prototype', 'slice', 'split', 'replace', 'indexOf')
  watch(Date, 'Date', 'now')
  watch(Math, 'Math', 'random', 'floor')

  const samples: readonly [object, string][] = [
    [[], 'Array.prototype or Object.prototype'],
    [() => {}, 'Function.prototype'],
    [Object.create(Promise.prototype) as object, 'Promise.prototype'],
    [Object.create(String.prototype) as object, 'String.prototype'],
  ]
  const now = performance.now.bind(performance)
  let countedAt = now()

  return () => {
    for (const [sample, name] of samples) for (const _key in sample) return name
    for (const [where, key, value, name] of watched) {
      if (where[key] !== value) return name
    }
    const time = now()
    if (time - countedAt < countIntervalMs) return undefined
    countedAt = time
    for (const { name, prototype, count } of counted) {
      if (ownKeys(prototype).length !== count) return `${name}.prototype`
    }
    return undefined
  }
}
