import { createGlobalCheck } from './global-guard.ts'

/** Whether user code has left something in its thread that other code would find. */
export type ThreadCheck = () => boolean

/**
 * Takes a picture of the globals, the environment and the most used built-ins of this thread and returns the comparison with
 * it. Not seen is what code leaves in a module that others import as well, in other built-ins, and under symbols, where
 * libraries register, Node's own `fetch` among them.
 */
export function createThreadCheck(): ThreadCheck {
  const { ownKeys, getOwnPropertyDescriptor } = Reflect
  const { is } = Object
  const { env } = process
  /** Keys with what stands there, or the getter. */
  const picture = (): unknown[] => [
    ...Object.getOwnPropertyNames(globalThis).flatMap(key => {
      const { value, get } = getOwnPropertyDescriptor(globalThis, key) ?? {}
      return [key, value, get] as unknown[]
    }),
    ...ownKeys(env).flatMap(key => [key, env[String(key)]]),
  ]
  const builtIns = createGlobalCheck(0)
  const before = picture()
  return () => {
    const now = picture()
    return (
      builtIns() !== undefined || now.length !== before.length || now.some((part, index) => !is(part, before[index]))
    )
  }
}
