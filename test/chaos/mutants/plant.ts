import { join } from 'node:path'
import type { GatewaySetup } from '../../e2e/gateway-process.ts'
import type { NodeProcess } from '../../support/child-process.ts'
import type { SourceEdit } from './mutant.ts'

/** Options of a Node process whose sources are changed while they are loaded. */
export function planted(edits: readonly SourceEdit[]): Required<Pick<GatewaySetup, 'env' | 'nodeArgs'>> {
  return {
    env: { PLANTED_EDITS: JSON.stringify(edits) },
    nodeArgs: ['--import', join(import.meta.dirname, 'mutate-sources.ts')],
  }
}

/** @throws {Error} when a file that was to be changed was never loaded: the process is the right one, not the mutant. */
export function assertPlanted(process: NodeProcess, edits: readonly SourceEdit[]): void {
  for (const { file } of edits)
    if (!process.stderr.includes(`planted into ${file}`))
      throw new Error(`src/${file} was not loaded; nothing is planted`)
}
