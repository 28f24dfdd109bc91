import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { SluiceError } from '../../src/errors/sluice-error.ts'
import type { FunctionVersion } from '../../src/functions/function-version.ts'
import { checkFunction } from '../../src/workers/check-module.ts'
import { checkFunctions } from '../../src/workers/check-together.ts'
import { moduleFolders } from './module-folder.ts'
import { versionOf } from './worker-fixtures.ts'

const folderOf = moduleFolders()
const handler = 'export default () => {}'

/** One function per source, named by its place. */
async function functionsOf(
  sources: readonly string[],
  changes: (index: number) => Partial<FunctionVersion> = () => ({}),
): Promise<FunctionVersion[]> {
  const folder = await folderOf(Object.fromEntries(sources.map((source, index) => [`f${index}.mjs`, source])))
  return sources.map((_, index) =>
    versionOf('', { name: `f${index}`, file: join(folder, `f${index}.mjs`), ...changes(index) }),
  )
}

const refused = (errors: readonly SluiceError[]): unknown[] => errors.map(({ details }) => details?.['function'])

describe('checkFunctions', () => {
  it('loads functions of equal environment and heap in few workers', async () => {
    const out = join(await folderOf({ threads: '' }), 'threads')
    const source = `import { threadId } from 'node:worker_threads'
      import { appendFileSync } from 'node:fs'
      appendFileSync(process.env.OUT, threadId + '\\n')
      ${handler}`
    const versions = await functionsOf(Array<string>(20).fill(source), () => ({ environment: { OUT: out } }))
    expect(await checkFunctions(versions)).toEqual([])
    const threads = (await readFile(out, 'utf8')).trim().split('\n')
    expect(threads).toHaveLength(20)
    expect(new Set(threads).size).toBe(2)
  })

  it('says of each that cannot be loaded what it says of it alone', async () => {
    const files = [
      'echo.mjs',
      'load-throws.mjs',
      'load-exit.mjs',
      'no-handler.mjs',
      'load-loop.mjs',
      'load-syntax.mjs',
      'not-there.mjs',
      'init-throws.mjs',
    ]
    const versions = files.map(file => versionOf(file, { name: file }))
    const options = { timeoutMs: 2_000 }
    const alone: string[] = []
    for (const version of versions)
      await checkFunction(version, options).catch((error: Error) => alone.push(error.message))
    const errors = await checkFunctions(versions, options)
    expect(errors).toHaveLength(6)
    expect(errors.map(({ message }) => message)).toEqual(alone)
  })

  it('refuses no function for what another has done to the thread', async () => {
    const spoils = `globalThis.fetch = undefined; Object.prototype.own = 1; ${handler}`
    const sensitive = `if (typeof fetch !== 'function') throw new Error('no fetch'); ${handler}`
    const fills = `let all; for (;;) all = { all, a: [1, 2, 3, 4] }; ${handler}`
    const sources = [spoils, spoils, sensitive, sensitive, fills, sensitive, sensitive]
    const versions = await functionsOf(sources, () => ({ memoryMiB: 32 }))
    expect(refused(await checkFunctions(versions))).toEqual(['f4'])
  })

  it.each([
    ['a global', `globalThis.settings = {}`, `if (globalThis.settings === undefined) throw new Error('no settings')`],
    ['the environment', `process.env.NAME = 'x'`, `if (process.env.NAME !== 'x') throw new Error('no name')`],
    [
      'a global function',
      `globalThis.fetch = () => 1`,
      `if (fetch.length !== 0 || fetch() !== 1) throw new Error('no fetch')`,
    ],
    ['a built-in', `Array.prototype.last = () => 1`, `if ([].last === undefined) throw new Error('no last')`],
    [
      'a built-in, as polyfills do',
      `Object.defineProperty(Map.prototype, 'last', { value: 1 })`,
      `if (new Map().last !== 1) throw new Error('no last')`,
    ],
  ])('refuses a function that loads only thanks to another, which has changed %s', async (_what, sets, needs) => {
    const sources = [`${sets}; ${handler}`, `${needs}; ${handler}`, handler, handler]
    expect(refused(await checkFunctions(await functionsOf(sources)))).toEqual(['f1'])
  })

  it('shows each its own environment only', async () => {
    const source = (name: string): string =>
      `if (process.env.NAME !== '${name}') throw new Error('env ' + process.env.NAME); ${handler}`
    const names = ['a', 'b', 'a', 'b', 'a', 'b']
    const versions = await functionsOf(names.map(source), index => ({ environment: { NAME: names[index] ?? '' } }))
    expect(await checkFunctions(versions)).toEqual([])
  })

  it('takes the messages of one for no answer of another', async () => {
    const broken = `throw new Error('broken'); ${handler}`
    const talks = `import { parentPort } from 'node:worker_threads'
      parentPort.postMessage({ ready: true })
      ${handler}`
    expect(refused(await checkFunctions(await functionsOf([talks, broken, handler, broken])))).toEqual([
      'f0',
      'f1',
      'f3',
    ])
  })
})
