/** A change that user code left in the built-ins of its worker; undefined when there is none. */
export type GlobalCheck = () => string | undefined

/** Keys are counted at most this often; what is enumerable or replaced is seen after every frame. */
const countIntervalMs = 50

/**
 * Takes a picture of the built-ins that nearly all code relies on, before user code is loaded, and returns the comparison
 * with it. Cheap enough for every frame (below a microsecond): it compares identities and looks for enumerable additions,
 * which is what plain assignments leave; hidden additions are found by counting keys, now and then.
 *
 * @param everyMs between two counts; default 50.
 */
export function createGlobalCheck(everyMs = countIntervalMs): GlobalCheck {
  const prototypes = { Object, Array, Function, Promise, String, Number, Map, Set, Error, Uint8Array }
  const ownKeys = Reflect.ownKeys
  const counted = Object.entries(prototypes).map(([name, constructor]) => {
    const prototype = constructor.prototype as object
    return { name, prototype, count: ownKeys(prototype).length }
  })
  // One reader each: a loop over names would look every one up anew, which takes five times as long.
  const watched: [read: () => unknown, value: unknown, name: string][] = []
  const watch = (readers: Record<string, () => unknown>): void => {
    for (const [name, read] of Object.entries(readers)) watched.push([read, read(), name])
  }
  watch({
    'JSON.parse': () => JSON.parse,
    'JSON.stringify': () => JSON.stringify,
    'globalThis.JSON': () => globalThis.JSON,
    'globalThis.Promise': () => globalThis.Promise,
    'globalThis.Object': () => globalThis.Object,
    'globalThis.Array': () => globalThis.Array,
    'globalThis.Date': () => globalThis.Date,
    'globalThis.Math': () => globalThis.Math,
    'globalThis.Buffer': () => globalThis.Buffer,
    'globalThis.process': () => globalThis.process,
    'globalThis.setTimeout': () => globalThis.setTimeout,
    'globalThis.queueMicrotask': () => globalThis.queueMicrotask,
    'Promise.prototype.then': () => Promise.prototype.then,
    'Object.prototype.toString': () => Object.prototype.toString,
    'Object.prototype.hasOwnProperty': () => Object.prototype.hasOwnProperty,
    'Array.prototype.push': () => Array.prototype.push,
    'Array.prototype.map': () => Array.prototype.map,
    'Array.prototype.filter': () => Array.prototype.filter,
    'Array.prototype.forEach': () => Array.prototype.forEach,
    'Array.prototype.indexOf': () => Array.prototype.indexOf,
    'Array.prototype.slice': () => Array.prototype.slice,
    'Array.prototype.join': () => Array.prototype.join,
    'Function.prototype.call': () => Function.prototype.call,
    'Function.prototype.apply': () => Function.prototype.apply,
    'Function.prototype.bind': () => Function.prototype.bind,
    'String.prototype.slice': () => String.prototype.slice,
    'String.prototype.split': () => String.prototype.split,
    'String.prototype.replace': () => String.prototype.replace,
    'String.prototype.indexOf': () => String.prototype.indexOf,
    'Date.now': () => Date.now,
    'Math.random': () => Math.random,
    'Math.floor': () => Math.floor,
  })

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
    for (const [read, value, name] of watched) {
      if (read() !== value) return name
    }
    const time = now()
    if (time - countedAt < everyMs) return undefined
    countedAt = time
    for (const { name, prototype, count } of counted) {
      if (ownKeys(prototype).length !== count) return `${name}.prototype`
    }
    return undefined
  }
}
