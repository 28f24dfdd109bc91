import { execFile } from 'node:child_process'
import { basename, dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { SluiceError } from '../errors/sluice-error.ts'
import type { FunctionVersion } from '../functions/function-version.ts'
import { withCompileCache } from './compile-cache.ts'
import { heapLimits } from './heap-limits.ts'
import { cut, describeThrown } from './invocation-error.ts'
import type { InvocationError } from './invocation.ts'
import { placeIn, withoutDirectory } from './module-place.ts'

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const shownSourceChars = 200

/** What a check needs to know of a function. */
export type CheckedFunction = Pick<
  FunctionVersion,
  'name' | 'file' | 'handler' | 'environment' | 'memoryMiB' | 'selfContained'
>

export interface CheckOptions {
  /** Default 10,000. */
  readonly timeoutMs?: number
  /** See {@link WorkerPoolOptions}. */
  readonly compileCacheDirectory?: string
}

/**
 * Loads a function's module in a worker of its own, which is thrown away: an endless loop, an exit or a full heap while
 * loading hurts nobody. `init` is not called.
 * @throws {SluiceError} SLUICE_FUNCTIONS_LOAD, saying what is wrong and where, in the sources if there is a source map: no
 *   such file, a syntax error, no ES module, an import that a self-contained module may not have, an error at load, too
 *   much memory, an exit, no handler, not loaded within `timeoutMs`.
 */
export async function checkFunction(version: CheckedFunction, options: CheckOptions = {}): Promise<void> {
  const problem = await problemOf(version, options)
  if (problem === undefined) return
  const { name, file, selfContained } = version
  // Nobody knows the folder of an artifact but the gateway.
  const shown = selfContained ? withoutDirectory(problem, dirname(file)) : problem
  throw new SluiceError('SLUICE_FUNCTIONS_LOAD', `function '${name}': ${shown}`, { details: { function: name, file } })
}

async function problemOf(version: CheckedFunction, options: CheckOptions): Promise<string | undefined> {
  const [problem] = await problemsOf([version], options)
  if (problem?.includes('SyntaxError') !== true) return problem
  return problem + (await placeOfSyntaxError(version.file))
}

/**
 * Loads modules one after the other in one worker, with the environment and the heap of the first of them. Gives what is
 * wrong with each, up to the one that ended the worker or did not end in time.
 */
export async function problemsOf(
  versions: readonly CheckedFunction[],
  { timeoutMs = 10_000, compileCacheDirectory }: CheckOptions,
): Promise<readonly (string | undefined)[]> {
  const checked = versions.map(({ name, file, handler, environment, memoryMiB, selfContained }): CheckedFunction => {
    return { name, file, handler, environment, memoryMiB, selfContained }
  })
  const [{ environment, memoryMiB }] = checked as [CheckedFunction]
  const worker = new Worker(new URL(`./check-worker.${extension}`, import.meta.url), {
    workerData: checked,
    env: withCompileCache(environment, compileCacheDirectory),
    execArgv: [],
    resourceLimits: heapLimits(memoryMiB),
    // What it prints while loading is not for our standard output.
    stdout: true,
    stderr: true,
  })
  const problems: (string | undefined)[] = []
  let isEnded = false
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const end = (): void => {
    isEnded = true
    resolve()
  }
  const told = (problem: string | undefined): void => {
    if (isEnded) return
    problems.push(problem)
    if (problems.length === checked.length) end()
    else timer.refresh()
  }
  const isOver = (why: (file: string) => string): void => {
    const current = checked[problems.length]
    if (!isEnded && current !== undefined) problems.push(why(current.file))
    end()
  }
  const timer = setTimeout(
    () => isOver(file => `${file} was not loaded within ${timeoutMs} ms: its top level does not end`),
    timeoutMs,
  )
  worker.on('message', (answer: unknown) =>
    told(problemIn(answer, problems.length, checked[problems.length]?.file ?? '')),
  )
  worker.once('error', error => isOver(file => `${file} cannot be loaded: ${describeDeath(error, memoryMiB)}`))
  worker.once('exit', code => isOver(file => `${file} ended its worker while loading (process.exit, code ${code})`))
  try {
    await ended
    return problems
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}

/** The module may have posted the message itself, so nothing in it is taken for granted. */
function problemIn(answer: unknown, expected: number, file: string): string | undefined {
  if (typeof answer !== 'object' || answer === null) return `${file} posted a message while loading`
  const { index, ok, error } = answer as { index?: unknown; ok?: unknown; error?: Partial<InvocationError> }
  if (index !== expected) return `${file} posted a message while loading`
  if (ok === true) return undefined
  return typeof error?.message === 'string' ? cut(error.message, 4096) : `${file} posted a message while loading`
}

function describeDeath(error: unknown, memoryMiB: number): string {
  if ((error as { code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY')
    return `it needs more than the ${memoryMiB} MiB of memoryMiB`
  const { name, message } = describeThrown('load', error)
  return `${name}: ${message}`
}

/** A SyntaxError of an import does not say where; only `node --check` prints the place. Nothing of the module is run. */
function placeOfSyntaxError(file: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  execFile(process.execPath, ['--check', file], { env: {}, timeout: 5_000 }, (_error, _stdout, stderr) => {
    const [place = '', source = '', marks = ''] = stderr.split('\n')
    const line = /:(\d+)$/.exec(place)?.[1]
    const column = marks.indexOf('^')
    if (line === undefined) resolve('')
    // Node marks only what is within the first thousand columns.
    else if (column < 0) resolve(` (at ${basename(file)}:${line})`)
    else {
      // A minified line is as long as the bundle.
      const around = source.slice(Math.max(0, column - shownSourceChars / 2)).trim()
      resolve(` (at ${placeIn(file, Number(line), column + 1)}: ${cut(around, shownSourceChars)})`)
    }
  })
  return promise
}
