import { pathToFileURL } from 'node:url'
import { describeThrown, invocationError } from './invocation-error.ts'
import type { InvocationError } from './invocation.ts'

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
    const exports = Object.keys(module)
    throw new LoadFailure(
      invocationError(
        'load',
        'NoHandler',
        `${file} exports no handler function '${handler}'; it exports ${exports.length === 0 ? 'nothing' : exports.slice(0, 20).join(', ')}`,
      ),
    )
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

function describeLoadError(file: string, thrown: unknown): InvocationError {
  const error = describeThrown('load', thrown)
  const code = codeOf(thrown)
  if (code === 'ERR_MODULE_NOT_FOUND' && error.message.includes(`'${file}'`)) {
    return { ...error, message: `there is no file ${file}` }
  }
  return invocationError(
    'load',
    error.name,
    `${file} cannot be loaded: ${error.name}: ${error.message}${where(error)}`,
    error.stack,
  )
}

function codeOf(thrown: unknown): unknown {
  try {
    return (thrown as { code?: unknown } | null)?.code
  } catch {
    return undefined
  }
}

/** The first place in the stack that is no part of Node: where the module threw or does not parse. */
function where(error: InvocationError): string {
  for (const line of error.stack?.split('\n') ?? []) {
    const place = /((?:file:\/\/)?\/[^()]*?:\d+(?::\d+)?)\)?$/.exec(line.trim())
    if (place !== null && !line.includes('node:internal') && !line.includes('handler-loader'))
      return ` (at ${place[1]})`
  }
  return ''
}
