import { onTestFinished } from 'vitest'
import type { SluiceError } from '../../src/errors/sluice-error.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import type { AppendRecord } from '../../src/log/log-record.ts'
import type { PartitionLog } from '../../src/log/partition-log.ts'
import { type LogRegistryOptions, openRegistry } from '../../src/registry/log-registry.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { openSnapshotFiles, type SnapshotStore } from '../../src/registry/snapshot-file.ts'
import { temporaryDirectory } from './registry-fixtures.ts'

/** A command log with the registries that were opened on it; all of it is closed and removed at the end of the test. */
export class CommandLogFixture {
  readonly log: PartitionLog
  readonly directory: string
  readonly fatal: SluiceError[] = []
  readonly warnings: string[] = []

  private constructor(log: PartitionLog, directory: string) {
    this.log = log
    this.directory = directory
  }

  static async create(options: Partial<Parameters<typeof openEmbeddedLog>[0]> = {}): Promise<CommandLogFixture> {
    const directory = await temporaryDirectory()
    onTestFinished(() => directory[Symbol.asyncDispose]())
    const log = await openEmbeddedLog({
      directory: `${directory.path}/log`,
      stream: 'registry',
      partitionCount: 1,
      ...options,
    })
    onTestFinished(() => log.close())
    return new CommandLogFixture(log, directory.path)
  }

  snapshots(name = 'snapshots'): Promise<SnapshotStore> {
    return openSnapshotFiles({ dir: `${this.directory}/${name}`, onWarning: text => this.warnings.push(text) })
  }

  async open(options: Partial<LogRegistryOptions> = {}): Promise<Registry> {
    const registry = await openRegistry({
      log: this.log,
      snapshots: options.snapshots ?? (await this.snapshots()),
      onFatal: error => this.fatal.push(error),
      onWarning: text => this.warnings.push(text),
      ...options,
    })
    onTestFinished(() => registry.close())
    return registry
  }

  append(...records: AppendRecord[]): Promise<number> {
    return this.log.append(0, records)
  }
}

/** A log that does something else for appends. */
export const withAppend = (log: PartitionLog, append: PartitionLog['append']): PartitionLog => ({
  stream: log.stream,
  partitionCount: log.partitionCount,
  append,
  subscribe: (group, start, handlers) => log.subscribe(group, start, handlers),
  ends: () => log.ends(),
  committed: group => log.committed(group),
  positionsAt: start => log.positionsAt(start),
  seek: (group, offsets) => log.seek(group, offsets),
  browse: (partition, from, limit) => log.browse(partition, from, limit),
  close: () => log.close(),
})
