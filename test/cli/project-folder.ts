import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A folder for one test file, with whatever is written into it. */
export interface ProjectFolder {
  readonly path: string
  file(name: string, text: string | Uint8Array): string
  /** A package in node_modules, as npm installs it. */
  dependency(name: string, manifest: object, files: Readonly<Record<string, string>>): void
  remove(): void
}

export function createProjectFolder(): ProjectFolder {
  const path = mkdtempSync(join(tmpdir(), 'sluice-project-'))
  const file = (name: string, text: string | Uint8Array): string => {
    const target = join(path, name)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, text)
    return target
  }
  return {
    path,
    file,
    dependency: (name, manifest, files) => {
      const folder = join('node_modules', name)
      file(join(folder, 'package.json'), JSON.stringify({ name, version: '1.0.0', ...manifest }))
      for (const [inside, text] of Object.entries(files)) file(join(folder, inside), text)
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}
