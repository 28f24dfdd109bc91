import { join } from 'node:path'
import { SluiceError } from '../errors/sluice-error.ts'
import { openEmbeddedLog, type EmbeddedLog } from '../log/embedded/embedded-log.ts'
import { nodeDurableFiles } from '../functions/durable-files.ts'
import { openRegistry, type LogRegistryOptions } from './log-registry.ts'
import type { Registry } from './registry.ts'
import { openSnapshotFiles } from './snapshot-file.ts'

export interface LocalRegistryOptions extends Omit<LogRegistryOptions, 'log' | 'snapshots' | 'group'> {
  /** Directory of the registry alone, such as `<dataDir>/registry`; made when it is missing. One process at a time. */
  readonly dir: string
  /** Size of one file of the command log; whole files are deleted once snapshots cover them. Default 4 MiB. */
  readonly segmentBytes?: number
  /** How long commands that snapshots cover are kept, 64 MiB of them at most: they tell who did what. Default 7 days. */
  readonly historyMs?: number
}

const mebibyte = 1_048_576

const defaultHistoryMs = 7 * 86_400_000
const historyBytes = 64 * mebibyte

/**
 * Opens the registry of standalone mode: its command log is an embedded log in `<dir>/log`, its snapshots lie in
 * `<dir>/snapshots`. Closing it closes the log.
 * @throws {SluiceError} SLUICE_REGISTRY_CORRUPT when the log is damaged, and what {@link openRegistry} throws.
 */
export async function openLocalRegistry(options: LocalRegistryOptions): Promise<Registry> {
  const { dir, segmentBytes = 4 * mebibyte, historyMs = defaultHistoryMs, onWarning, ...rest } = options
  const warnings = onWarning === undefined ? {} : { onWarning }
  const snapshots = await openSnapshotFiles({ dir: join(dir, 'snapshots'), ...warnings })
  const directory = join(dir, 'log')
  const log = await openEmbeddedLog({
    directory,
    stream: 'registry',
    partitionCount: 1,
    segmentBytes,
    retentionMs: historyMs,
    retentionBytes: historyBytes,
    tailCacheBytes: mebibyte,
    // Its committed offset is what snapshots cover: without it nothing may be deleted.
    groups: ['registry'],
  })
  try {
    await refuseDamage(log, directory)
    const registry = await openRegistry({ ...rest, ...warnings, log, snapshots, group: 'registry' })
    return closingLog(registry, log)
  } catch (error) {
    await log.close()
    throw error
  }
}

function closingLog(registry: Registry, log: EmbeddedLog): Registry {
  return {
    get state() {
      return registry.state
    },
    transact: (by, plan) => registry.transact(by, plan),
    listen: listener => registry.listen(listener),
    async close() {
      await registry.close()
      await log.close()
    },
  }
}

/**
 * An embedded log steps over damage and says so. For events that is right; a state that was made without one of its
 * commands would be wrong from there on. A gap between commands shows by itself, but not that the last one is gone:
 * its damaged bytes were cut off and put into `corrupt/`, so they are looked for there, at every start, until somebody
 * has decided what to do.
 */
async function refuseDamage(log: EmbeddedLog, directory: string): Promise<void> {
  const found = await damagedPlaces(join(directory, 'corrupt'))
  const accepted = await damagedPlaces(join(directory, 'corrupt-accepted'))
  const open = found.filter(place => !accepted.includes(place))
  if (open.length === 0 && log.stats().damaged <= found.length) return
  const places = open.length === 0 ? 'a place that could not be saved' : open.join(', ')
  throw new SluiceError(
    'SLUICE_REGISTRY_CORRUPT',
    `the command log of the registry in ${directory} is damaged at ${places}; restore the registry from a backup. To go on with the commands that are left, rename ${join(directory, 'corrupt')} to corrupt-accepted; see there what the damaged bytes were`,
    { details: { directory, places: open } },
  )
}

/** Copies of damaged bytes are named `<segment>-<place>.bin`. Place 0 is a file that a crash cut off while it was begun: nothing was in it. */
async function damagedPlaces(directory: string): Promise<readonly string[]> {
  if ((await nodeDurableFiles.inspect(directory)) === undefined) return []
  return (await nodeDurableFiles.list(directory)).filter(name => /-[1-9][0-9]*\.bin$/.test(name))
}
