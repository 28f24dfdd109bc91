import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach } from 'vitest'

/** Makes folders with the given files, which are removed after each test. */
export function moduleFolders(): (files: Readonly<Record<string, string>>) => Promise<string> {
  const folders: string[] = []
  afterEach(async () => {
    await Promise.all(folders.splice(0).map(folder => rm(folder, { recursive: true, force: true })))
  })
  return async files => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-modules-'))
    folders.push(folder)
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), text)
    }
    return folder
  }
}
