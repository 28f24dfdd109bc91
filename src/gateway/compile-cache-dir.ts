import { join } from 'node:path'
import type { Config } from '../config/config.ts'

/** Where workers keep compiled modules: a worker that was once started starts faster. May be deleted at any time. */
export const compileCacheDir = ({ dataDir }: Pick<Config, 'dataDir'>): string => join(dataDir, 'compile-cache')
