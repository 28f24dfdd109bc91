import { existsSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, extname } from 'node:path'
import { describeThrown, invocationError } from './invocation-error.ts'
import type { InvocationError } from './invocation.ts'
import { shownPlace } from './module-place.ts'

const commonJsHint =
  '; it is CommonJS, and a function is an ES module: bundle it with --format=esm, as sluice deploy does'
const requireHint = '; a CommonJS part of the bundle needs `require`: bundle it with sluice deploy, which provides it'
const typeScriptHint =
  '; it looks like TypeScript, of which only files named .ts are stripped: bundle it, as sluice deploy does'

/** Says why a module could not be imported, where, and what to do if the reason is a known one. */
export function describeLoadError(file: string, thrown: unknown): InvocationError {
  const error = describeThrown('load', thrown)
  if (codeOf(thrown) === 'ERR_MODULE_NOT_FOUND' && error.message.includes(`'${file}'`)) {
    return { ...error, message: `there is no file ${file}` }
  }
  const kind = error.name === 'ForbiddenImport' ? '' : `${error.name}: `
  const message = `${file} cannot be loaded: ${kind}${error.message}${placeOf(error, file)}${hintFor(error, file)}`
  return invocationError('load', error.name, message, error.stack)
}

/** Says which exports there are instead of the handler. */
export function describeNoHandler(file: string, handler: string, exports: readonly string[]): InvocationError {
  const found = exports.length === 0 ? 'nothing' : exports.slice(0, 20).join(', ')
  const hint = exports.length === 0 && assignsExports(readText(file)) ? commonJsHint : ''
  const message = `${file} exports no handler function '${handler}'; it exports ${found}${hint}`
  return invocationError('load', 'NoHandler', message)
}

function hintFor({ name, message }: InvocationError, file: string): string {
  if (name === 'ReferenceError' && /^(module|exports|require|__dirname|__filename) is not defined/.test(message))
    return commonJsHint
  if (message.startsWith('Dynamic require of ')) return requireHint
  if (name === 'SyntaxError' && isTypeScript(file)) return typeScriptHint
  return ''
}

/** Whether a file that should be JavaScript can only be read as TypeScript. */
function isTypeScript(file: string): boolean {
  if (!['.js', '.mjs'].includes(extname(file))) return false
  const source = readText(file)
  try {
    return stripTypeScriptTypes(source) !== source
  } catch {
    return false
  }
}

function assignsExports(source: string): boolean {
  return /\bmodule\.exports\b|\bexports\.\w+\s*=|Object\.defineProperty\(exports\b/.test(source)
}

function readText(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

function codeOf(thrown: unknown): unknown {
  try {
    return (thrown as { code?: unknown } | null)?.code
  } catch {
    return undefined
  }
}

/** The first place in the stack that is neither of Node nor of the gateway: where the module threw. */
function placeOf(error: InvocationError, file: string): string {
  // These carry their place in the message.
  if (error.name === 'ForbiddenImport') return ''
  for (const line of error.stack?.split('\n') ?? []) {
    const place = /((?:file:\/\/)?\/[^()]*?:\d+(?::\d+)?)\)?$/.exec(line.trim())?.[1]
    if (place !== undefined && !line.includes('node:internal') && !line.includes('handler-loader'))
      return ` (at ${shownPlace(place, dirname(file))})`
  }
  return ''
}
