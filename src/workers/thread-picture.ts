import { createGlobalCheck } from './global-guard.ts'

/** Whether user code has left something in its thread that other code would find. */
export type ThreadCheck = () => boolean

/**
 * Takes a picture of the globals, the environment and the built-ins of this thread and returns the comparison with it. Not
 * seen is what code leaves in a module that others import as well, and globals under symbols: libraries register there,
 * Node's own `fetch` as well.
 */
export function createThreadCheck(): ThreadCheck {
  const { ownKeys, getOwnPropertyDescriptor } = Reflect
  const { is } = Object
  const { env } = process
  /** Pairs of a key and what stands there; getters are not called. */
  const picture = (): unknown[] => [
    ...Object.getOwnPropertyNames(globalThis).flatMap(key => {
      const { value, get } = getOwnPropertyDescriptor(globalThis, key) ?? {}
      return [key, value, get] as unknown[]
    }),
    ...ownKeys(env).flatMap(key => [key, env[String(key)]]),
  ]
  const builtIns = createGlobalCheck()
  const before = picture()
  return () => {
    const now = picture()
    return (
      builtIns() !== undefined || now.length !== before.length || now.some((part, index) => !is(part, before[index]))
    )
  }
}
