import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RealPart, whyMissing } from '../support/why-missing.ts'

/** What an experiment cannot do without: a program, or leave to mount a small file system in memory. */
export type Need = RealPart | 'tmpfs'

/** Why a need cannot be met here and what would help, or undefined if it can. */
export function whyNotMet(need: Need): string | undefined {
  return need === 'tmpfs' ? whyNoTmpfs() : whyMissing(need)
}

function whyNoTmpfs(): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-mount-'))
  try {
    mountTmpfs(directory, 1)
    unmount(directory)
    return undefined
  } catch (error) {
    return `a tmpfs cannot be mounted (${String(error).split('\n')[0]}); run as root, in a container with CAP_SYS_ADMIN`
  } finally {
    rmdirSync(directory)
  }
}

export function mountTmpfs(directory: string, mebibytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', directory], { stdio: 'pipe' })
}

export function unmount(directory: string): void {
  execFileSync('umount', ['--lazy', directory], { stdio: 'pipe' })
}
