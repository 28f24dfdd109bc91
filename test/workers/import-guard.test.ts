import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { checkFunction } from '../../src/workers/check-module.ts'
import { createWorkerPool } from '../../src/workers/piscina-pool.ts'
import type { WorkerPool } from '../../src/workers/worker-pool.ts'
import type { FunctionVersion } from '../../src/functions/function-version.ts'
import { moduleFolders } from './module-folder.ts'
import { invocationOf, jsonOf, outcomesOf, versionOf } from './worker-fixtures.ts'

const folderOf = moduleFolders()
let pool: WorkerPool | undefined

afterEach(async () => {
  await pool?.close(0)
  pool = undefined
})

/** A package up the tree, where it would be found. */
const left = {
  'node_modules/left/package.json': '{"main":"index.js"}',
  'node_modules/left/index.js': 'module.exports = 1',
}
const handler = 'export default () => ({ fine: true })\n'

async function versionWith(
  files: Record<string, string>,
  changes: Partial<FunctionVersion> = {},
): Promise<FunctionVersion> {
  const folder = await folderOf({ ...left, 'outside.mjs': 'export const secret = 1', ...files })
  return versionOf('', { file: join(folder, 'own/index.mjs'), selfContained: true, ...changes })
}

const problemOf = (version: FunctionVersion): Promise<string> =>
  checkFunction(version).then(
    () => 'none',
    (error: Error) => error.message,
  )

describe('a self-contained module', () => {
  it('has what is built into Node and the files of its own folder', async () => {
    const version = await versionWith({
      'own/index.mjs': `import { join } from 'path'
        import 'node:fs'
        import { createRequire } from 'node:module'
        import { one } from './chunks/one.mjs'
        const require = createRequire(import.meta.url)
        export default async () => [join('a', 'b'), one, require('./two.cjs'), require('os').EOL, (await import('./chunks/one.mjs')).one]`,
      'own/chunks/one.mjs': 'export const one = 1',
      'own/two.cjs': `module.exports = require('node:path').sep.length + 1`,
    })
    await checkFunction(version)
    pool = createWorkerPool(version)
    pool.setWorkers(1)
    const [outcome] = await outcomesOf(pool, [invocationOf({})])
    expect(jsonOf(outcome)).toEqual([['a/b', 1, 2, '\n', 1]])
  })

  it.each([
    [
      'a package up the tree',
      `import left from 'left'\n${handler}`,
      /index\.mjs:1:18 imports 'left', which is neither built/,
    ],
    [
      'a package that is nowhere',
      `import 'nowhere'\n${handler}`,
      /index\.mjs:1:8 imports 'nowhere', which is neither built/,
    ],
    [
      'a file outside',
      `\nexport * from '../outside.mjs'\n${handler}`,
      /index\.mjs:2:15 imports '\.\.\/outside\.mjs', which is a file outside/,
    ],
    [
      'code in a URL',
      `import 'data:text/javascript,0'\n${handler}`,
      /imports 'data:text\/javascript,0', which is neither/,
    ],
    ['a package, at load, dynamically', `await import('left')\n${handler}`, /index\.mjs:1:14 imports 'left'/],
    [
      'a package by require',
      `import { createRequire } from 'node:module'\ncreateRequire(import.meta.url)('left')\n${handler}`,
      /imports 'left', which is neither built into Node nor part/,
    ],
    [
      'a package by require from elsewhere',
      `import { createRequire } from 'node:module'\ncreateRequire(process.cwd() + '/')('undici')\n${handler}`,
      /imports 'undici'/,
    ],
  ])('may not import %s, and is told where and what to do', async (_what, source, message) => {
    const problem = await problemOf(await versionWith({ 'own/index.mjs': source }))
    expect(problem).toMatch(message)
    expect(problem).toMatch(/^function 'probe': index\.mjs cannot be loaded: .*; bundle it: sluice deploy does$/)
  })

  it('is refused by a file of its own that imports too much, named with it', async () => {
    const problem = await problemOf(
      await versionWith({ 'own/index.mjs': `import './part.mjs'\n${handler}`, 'own/part.mjs': `import 'left'` }),
    )
    expect(problem).toContain(`part.mjs:1:8 imports 'left'`)
  })

  it('is told of a missing file of its own as of any missing file', async () => {
    const problem = await problemOf(await versionWith({ 'own/index.mjs': `import './gone.mjs'\n${handler}` }))
    expect(problem).toMatch(/Cannot find module 'gone\.mjs' imported from index\.mjs/)
  })

  it('is refused by its workers as well, and fails an invocation that imports later', async () => {
    const refused = await versionWith({ 'own/index.mjs': `import 'left'\n${handler}` })
    pool = createWorkerPool(refused, { restartDelayMs: 60_000 })
    pool.setWorkers(1)
    expect(await outcomesOf(pool, [invocationOf({})])).toEqual([{ kind: 'not-started' }])
    expect(pool.stats()).toMatchObject({
      state: 'quarantined',
      problem: expect.stringContaining(`imports 'left'`) as string,
    })
    await pool.close(0)

    const late = await versionWith({ 'own/index.mjs': `export default () => import('left')` })
    pool = createWorkerPool(late)
    pool.setWorkers(1)
    const [outcome] = await outcomesOf(pool, [invocationOf({})])
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { name: 'ForbiddenImport', message: expect.stringContaining('bundle it: sluice deploy does') as string },
    })
  })

  it('is not what a file of the configuration has to be', async () => {
    const version = await versionWith(
      { 'own/index.mjs': `import left from 'left'\nexport default () => ({ left })` },
      { selfContained: false },
    )
    await checkFunction(version)
    pool = createWorkerPool(version)
    pool.setWorkers(1)
    expect(jsonOf((await outcomesOf(pool, [invocationOf({})]))[0])).toEqual([{ left: 1 }])
  })
})
