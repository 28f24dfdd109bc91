import { execFile } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { SluiceError } from '../errors/sluice-error.ts'
import type { FunctionVersion } from '../functions/function-version.ts'
import { cut, describeThrown } from './invocation-error.ts'
import type { InvocationError } from './invocation.ts'

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'

/** What a check needs to know of a function. */
export type CheckedFunction = Pick<FunctionVersion, 'name' | 'file' | 'handler' | 'environment' | 'memoryMiB'>

/**
 * Loads a function's module in a worker of its own, which is thrown away: an endless loop, an exit or a full heap while
 * loading hurts nobody. `init` is not called.
 * @throws {SluiceError} SLUICE_FUNCTIONS_LOAD, saying what is wrong and where: no such file, a syntax error, an error at
 *   load, no handler, not loaded within `timeoutMs` (default 10,000).
 */
export async function checkFunction(version: CheckedFunction, options: { timeoutMs?: number } = {}): Promise<void> {
  const timeoutMs = options.timeoutMs ?? 10_000
  const { file, handler } = version
  const worker = new Worker(new URL(`./check-worker.${extension}`, import.meta.url), {
    workerData: { file, handler },
    env: { ...version.environment },
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: version.memoryMiB },
    // What it prints while loading is not for our standard output.
    stdout: true,
    stderr: true,
  })
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const timer = setTimeout(
    () => resolve(`${file} was not loaded within ${timeoutMs} ms: its top level does not end`),
    timeoutMs,
  )
  worker.once('message', (answer: unknown) => resolve(problemOf(answer, file)))
  worker.once('error', error => resolve(`${file} cannot be loaded: ${describeThrown('load', error).message}`))
  worker.once('exit', code => resolve(`${file} ended its worker while loading (exit code ${code})`))
  try {
    const problem = await promise
    if (problem !== undefined) {
      const place = problem.includes('SyntaxError') ? await placeOfSyntaxError(file) : ''
      throw new SluiceError('SLUICE_FUNCTIONS_LOAD', `function '${version.name}': ${problem}${place}`, {
        details: { function: version.name, file },
      })
    }
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}

/** The module may have posted the message itself, so nothing in it is taken for granted. */
function problemOf(answer: unknown, file: string): string | undefined {
  if (typeof answer !== 'object' || answer === null) return `${file} posted a message while loading`
  const { ok, error } = answer as { ok?: unknown; error?: Partial<InvocationError> }
  if (ok === true) return undefined
  return typeof error?.message === 'string' ? cut(error.message, 4096) : `${file} posted a message while loading`
}

/** A SyntaxError of an import does not say where; only `node --check` prints the place. Nothing of the module is run. */
function placeOfSyntaxError(file: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  execFile(process.execPath, ['--check', file], { env: {}, timeout: 5_000 }, (_error, _stdout, stderr) => {
    const [place = '', source = ''] = stderr.split('\n')
    resolve(/:\d+$/.test(place) ? ` (at ${place}: ${cut(source.trim(), 200)})` : '')
  })
  return promise
}
