import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../../..')
/** What decides how a run goes: the product, the experiments and the versions of what both stand on. */
const parts = [
  'src',
  'bin',
  'test/chaos',
  'test/simulation',
  'test/controller',
  'test/registry',
  'test/e2e',
  'test/support',
  'package-lock.json',
]

/** Hash of the files that decide what an experiment runs, whether they are committed or not. */
export function sourceDigest(): string {
  const hash = createHash('sha256')
  for (const file of parts.flatMap(part => filesOf(join(root, part))).sort())
    hash
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update('\0')
  return hash.digest('hex').slice(0, 16)
}

function filesOf(path: string): string[] {
  try {
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name))
  } catch {
    return [path]
  }
}

export function currentCommit(): string {
  try {
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
    return git('rev-parse', 'HEAD') + (git('status', '--porcelain', '--', ...parts) === '' ? '' : '-dirty')
  } catch {
    return 'unknown'
  }
}
