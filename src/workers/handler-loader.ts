import { pathToFileURL } from 'node:url'
import type { InvocationError } from './invocation.ts'
import { describeLoadError, describeNoHandler } from './load-problem.ts'

/** A function module as its worker uses it. */
export interface LoadedFunction {
  readonly handler: (event: unknown, context: unknown) => unknown
  /** Called once per worker before the first event. */
  readonly init: ((context: unknown) => unknown) | undefined
}

/** Why a module cannot be used; `error.reason` is `load`. */
export class LoadFailure extends Error {
  override readonly name = 'LoadFailure'
  readonly error: InvocationError

  constructor(error: InvocationError) {
    super(error.message)
    this.error = error
  }
}

/**
 * Imports the module of a function and finds its handler.
 * @throws {LoadFailure} when it is missing, does not parse, throws while loading or has no such handler.
 */
export async function loadFunction(file: string, handler: string): Promise<LoadedFunction> {
  let module: Record<string, unknown>
  try {
    module = (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } catch (error) {
    throw new LoadFailure(describeLoadError(file, error))
  }
  const found = handlerOf(module, handler)
  if (typeof found !== 'function') {
    throw new LoadFailure(describeNoHandler(file, handler, Object.keys(module)))
  }
  const init = module['init']
  return {
    handler: found as LoadedFunction['handler'],
    init: typeof init === 'function' && handler !== 'init' ? (init as LoadedFunction['init']) : undefined,
  }
}

/** CommonJS bundles put everything on the default export, which then may be the exports object. */
function handlerOf(module: Record<string, unknown>, handler: string): unknown {
  const direct = module[handler]
  if (typeof direct === 'function') return direct
  const inner = module['default']
  if (typeof inner !== 'object' || inner === null) return undefined
  return (inner as Record<string, unknown>)[handler]
}
