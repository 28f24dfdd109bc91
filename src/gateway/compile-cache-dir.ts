import { enableCompileCache, flushCompileCache } from 'node:module'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { isPrivate } from '../workers/compile-cache.ts'

/** Where compiled modules are kept: a gateway or worker that was once started starts faster. May be deleted at any time. */
export const compileCacheDir = ({ dataDir }: Pick<Config, 'dataDir'>): string => join(dataDir, 'compile-cache')

/** Long after the start, so that nothing waits for it: writing what was compiled takes some tenths of a second once. */
const flushAfterMs = 5_000

/** To be called before the modules of the gateway are loaded. A process that is killed has kept them, too. */
export function keepCompiledGateway(config: Pick<Config, 'dataDir'>): void {
  // Compiled code is run without a look at its source, and whoever set a folder of their own wants that one.
  if (process.env['NODE_COMPILE_CACHE'] !== undefined || !isPrivate(compileCacheDir(config))) return
  enableCompileCache(compileCacheDir(config))
  setTimeout(flushCompileCache, flushAfterMs).unref()
}
