import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFileLayer } from '../../../src/log/embedded/file-layer.ts'
import { LogDirectory } from './log-directory.ts'

/** Flags of the descriptor that this process holds on a file, as the kernel has them. */
async function openFlags(path: string): Promise<number> {
  for (const fd of await readdir('/proc/self/fd')) {
    const target = await readlink(`/proc/self/fd/${fd}`).catch(() => undefined)
    if (target !== path) continue
    const info = await readFile(`/proc/self/fdinfo/${fd}`, 'utf8')
    return Number.parseInt(/^flags:\s+(\d+)$/m.exec(info)![1]!, 8)
  }
  throw new Error(`${path} is not open`)
}

/** O_DSYNC of Linux, on every architecture Node runs on. */
const dataSync = 0o10000

describe.runIf(process.platform === 'linux')('the files of the machine', () => {
  it('sync each write by themselves when they say so, and only then', async () => {
    await using directory = await LogDirectory.create()
    for (const [name, syncWrites] of [
      ['synced', true],
      ['plain', false],
    ] as const) {
      const path = join(directory.path, name)
      for (const mode of ['create', 'update'] as const) {
        const file = await nodeFileLayer.open(path, mode, { syncWrites })
        expect(file.isSynced).toBe(syncWrites)
        expect(((await openFlags(path)) & dataSync) !== 0).toBe(syncWrites)
        await file.write([Buffer.from('one'), Buffer.from('two')], 0)
        await file.close()
        expect(await readFile(path, 'utf8')).toBe('onetwo')
      }
    }
  })

  it('are synced by themselves where the log writes', async () => {
    await using directory = await LogDirectory.create()
    await directory.open()
    const [segment] = await directory.segments()
    expect((await openFlags(join(directory.path, segment!))) & dataSync).not.toBe(0)
  })
})
