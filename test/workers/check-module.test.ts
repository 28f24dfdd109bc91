import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { checkFunction } from '../../src/workers/check-module.ts'
import type { FunctionVersion } from '../../src/functions/function-version.ts'
import { moduleFolders } from './module-folder.ts'
import { fixture, versionOf } from './worker-fixtures.ts'

const folderOf = moduleFolders()

describe('checkFunction', () => {
  it.each(['echo.mjs', 'init-throws.mjs', 'typed.ts'])('accepts %s', async file => {
    await checkFunction(versionOf(file, { handler: file === 'typed.ts' ? 'onReading' : 'default' }))
  })

  it.each([
    ['not-there.mjs', /there is no file .*not-there\.mjs/],
    ['load-syntax.mjs', /cannot be loaded: SyntaxError: .* \(at load-syntax\.mjs:2:10: return 1\)/s],
    ['load-throws.mjs', /cannot be loaded: Error: no database 3 \(at load-throws\.mjs:2:7\)/],
    ['load-never.mjs', /was not loaded within 400 ms/],
    ['load-loop.mjs', /was not loaded within 400 ms/],
    ['load-exit.mjs', /ended its worker while loading/],
    ['no-handler.mjs', /exports no handler function 'default'; it exports other/],
    ['missing-import.mjs', /cannot be loaded: .*a-package-that-is-not-there/],
  ])('refuses %s and says why and where', async (file, message) => {
    const waits = file === 'load-never.mjs' || file === 'load-loop.mjs'
    await expect(checkFunction(versionOf(file), waits ? { timeoutMs: 400 } : {})).rejects.toMatchObject({
      code: 'SLUICE_FUNCTIONS_LOAD',
      message: expect.stringMatching(message) as string,
      details: { function: 'probe', file: fixture(file) },
    })
  })
})

describe('checkFunction, of an artifact,', () => {
  async function problemOf(files: Record<string, string>, changes: Partial<FunctionVersion> = {}): Promise<string> {
    const folder = await folderOf(files)
    const version = versionOf('', { file: join(folder, 'index.mjs'), selfContained: true, ...changes })
    return await checkFunction(version).then(
      () => 'none',
      (error: Error) => error.message,
    )
  }

  /** The files of a bundle of two TypeScript sources. */
  async function bundleOf(source: string, sourcemap: 'linked' | 'external'): Promise<Record<string, string>> {
    const folder = await folderOf({
      'src/index.ts': `import { limit } from './limit.ts'\nexport default (): number => limit\n`,
      'src/limit.ts': source,
    })
    const outfile = join(folder, 'index.mjs')
    await build({
      entryPoints: [join(folder, 'src/index.ts')],
      bundle: true,
      format: 'esm',
      platform: 'node',
      outfile,
      sourcemap,
      minify: true,
    })
    return {
      'index.mjs': await readFile(outfile, 'utf8'),
      'index.mjs.map': await readFile(`${outfile}.map`, 'utf8'),
    }
  }

  it('accepts a bundle', async () => {
    expect(await problemOf(await bundleOf('export const limit: number = 3', 'linked'))).toBe('none')
  })

  it.each(['linked', 'external'] as const)('tells places in the sources when the source map is %s', async sourcemap => {
    const files = await bundleOf(
      `interface Limits { limit: number }\n\n  throw new Error('no limits')\nexport const limit: number = 3`,
      sourcemap,
    )
    expect(await problemOf(files)).toBe(
      `function 'probe': index.mjs cannot be loaded: Error: no limits (at src/limit.ts:3:9)`,
    )
  })

  it('tells in which source a forbidden import stands', async () => {
    const files = await bundleOf('export const limit: number = 3', 'linked')
    const source = files['index.mjs']!.replace('//# source', 'import "left-pad";\n//# source')
    expect(await problemOf({ ...files, 'index.mjs': source })).toContain(`imports 'left-pad', which is neither`)
  })

  it.each([
    [
      'module.exports = () => {}',
      /ReferenceError: module is not defined.*at index\.mjs:1:1.*it is CommonJS.*--format=esm/s,
    ],
    [`const fs = require('fs')\nexport default () => {}`, /ReferenceError: require is not defined.*it is CommonJS/s],
    [`(root => { if (typeof module === 'object') module.exports = {} })(this)`, /it exports nothing; it is CommonJS/],
  ])('knows CommonJS: %s', async (source, message) => {
    expect(await problemOf({ 'index.mjs': source })).toMatch(message)
  })

  it('knows TypeScript that is named as JavaScript, and the place in it', async () => {
    const problem = await problemOf({
      'index.mjs': `const limit = 3\nexport default (event: { n: number }): number => event.n + limit\n`,
    })
    expect(problem).toMatch(
      /^function 'probe': index\.mjs cannot be loaded: SyntaxError: .*; it looks like TypeScript.*bundle it/,
    )
    expect(problem).toMatch(/\(at index\.mjs:2:\d+: .*event.*\)$/)
  })

  it.each([
    [200, ' (at index.mjs:1:807: '],
    [50_000, ' (at index.mjs:1)'],
  ])('shows no more of a minified line than what is around the error, after %i statements', async (count, place) => {
    const problem = await problemOf({ 'index.mjs': `${'a();'.repeat(count)}let b=;${'c();'.repeat(count)}` })
    expect(problem).toContain(place)
    expect(problem.includes('let b=;')).toBe(count === 200)
    expect(problem.length).toBeLessThan(400)
  })

  it('tells that it needs more memory than it may have', async () => {
    const source = `let all; for (;;) all = { all, a: [1, 2, 3, 4] }\nexport default () => {}`
    expect(await problemOf({ 'index.mjs': source }, { memoryMiB: 32 })).toBe(
      `function 'probe': index.mjs cannot be loaded: it needs more than the 32 MiB of memoryMiB`,
    )
  })

  it.each([
    [`setTimeout(() => { throw new Error('later') }); await new Promise(() => {})`, 'Error: later'],
    [`Promise.reject(new Error('unheard')); await new Promise(() => {})`, 'Error: unheard'],
    [`throw null`, 'null was thrown'],
    [
      `import { parentPort } from 'node:worker_threads'\nparentPort.postMessage({ ok: 'yes' })\nfor (;;);`,
      'posted a message',
    ],
  ])('survives %s', async (source, message) => {
    expect(await problemOf({ 'index.mjs': `${source}\nexport default () => {}` })).toContain(message)
  })

  it('shows nothing of what it prints, and none of its environment to others', async () => {
    const source = `console.log('printed'); if (process.env.REGION !== 'north' || Object.keys(process.env).length !== 1) throw new Error('env')
      export default () => {}`
    expect(await problemOf({ 'index.mjs': source }, { environment: { REGION: 'north' } })).toBe('none')
  })
})
