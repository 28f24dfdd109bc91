import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'

const modulePath = join(import.meta.dirname, '../../src/gateway/compile-cache-dir.ts')
let dataDir: string

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sluice-compile-cache-'))
})

afterAll(() => rm(dataDir, { recursive: true }))

/** Where a process of its own keeps compiled modules after it asked for it. */
async function cacheOf(environment: Readonly<Record<string, string>> = {}): Promise<string> {
  const script =
    `import { keepCompiledGateway } from ${JSON.stringify(modulePath)}\n` +
    `import { getCompileCacheDir } from 'node:module'\n` +
    `keepCompiledGateway({ dataDir: ${JSON.stringify(dataDir)} })\n` +
    `console.log(String(getCompileCacheDir()))`
  const env = { ...process.env, ...environment }
  if (environment['NODE_COMPILE_CACHE'] === undefined) delete env['NODE_COMPILE_CACHE']
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })
  return stdout.trim()
}

it('keeps the compiled gateway in the data directory', async () => {
  expect(await cacheOf()).toContain(join(dataDir, 'compile-cache'))
})

it('leaves a folder alone that the operator chose', async () => {
  const chosen = join(dataDir, 'chosen')
  expect(await cacheOf({ NODE_COMPILE_CACHE: chosen })).toContain(chosen)
})

it('runs no compiled code from a folder that others can write to', async () => {
  const shared = join(dataDir, 'compile-cache')
  await mkdir(shared, { recursive: true })
  await chmod(shared, 0o777)
  expect(await cacheOf()).toBe('undefined')
})
