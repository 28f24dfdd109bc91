import { chmod, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createWorkerPool } from '../../src/workers/piscina-pool.ts'
import type { WorkerPool } from '../../src/workers/worker-pool.ts'
import { invocationOf, jsonOf, outcomesOf, versionOf } from './worker-fixtures.ts'

let folder: string
let pool: WorkerPool

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-cache-test-'))
})

afterEach(async () => {
  await pool.close(0)
  await rm(folder, { recursive: true, force: true })
})

async function environmentWith(
  compileCacheDirectory: string,
  environment: Record<string, string> = {},
): Promise<unknown> {
  pool = createWorkerPool(versionOf('hostile.mjs', { environment }), { compileCacheDirectory })
  pool.setWorkers(1)
  const [outcome] = await outcomesOf(pool, [invocationOf({ act: 'env' })])
  return (jsonOf(outcome) as [{ env: unknown }])[0].env
}

const filesIn = async (directory: string): Promise<number> =>
  (await readdir(directory, { recursive: true, withFileTypes: true })).filter(entry => entry.isFile()).length

describe('the cache of compiled modules', () => {
  it('is filled by the first worker, and no function sees it', async () => {
    const directory = join(folder, 'cache')
    expect(await environmentWith(directory, { REGION: 'north' })).toEqual({ REGION: 'north' })
    expect(await filesIn(directory)).toBeGreaterThan(20)
  })

  it('leaves a variable of the same name alone', async () => {
    expect(await environmentWith(join(folder, 'cache'), { NODE_COMPILE_CACHE: 'mine' })).toEqual({
      NODE_COMPILE_CACHE: 'mine',
    })
  })

  it('is not used in a folder that others may write to', async () => {
    await chmod(folder, 0o777)
    await environmentWith(folder)
    expect(await filesIn(folder)).toBe(0)
  })

  it('is not used behind a link, which others may have laid', async () => {
    const target = await mkdtemp(join(folder, 'target-'))
    const link = join(folder, 'link')
    await symlink(target, link)
    await environmentWith(link)
    expect(await filesIn(target)).toBe(0)
  })
})
