import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import type { SluiceError } from '../errors/sluice-error.ts'
import { openEmbeddedLog, type EmbeddedLog } from '../log/embedded/embedded-log.ts'
import { deduplicationDefaults } from '../sources/deduplication-index.ts'
import { createStreamIntake } from '../sources/stream-intake.ts'
import type { StreamIntake } from '../sources/source.ts'

export interface HomeStream {
  readonly name: string
  readonly log: EmbeddedLog
  readonly intake: StreamIntake
}

/** Consumer group of a trigger: from its name alone, so that function and version may change without losing its place. */
export function groupOf(trigger: string): string {
  return `trigger.${trigger}`
}

/** Opens the embedded log of every home stream and what sources need to write to it. All are open, or none. */
export async function openHomeStreams(
  config: Config,
  onFatal: (error: SluiceError) => void,
): Promise<ReadonlyMap<string, HomeStream>> {
  const streams = new Map<string, HomeStream>()
  const disabled = new Set(config.disabled.filter(({ kind }) => kind === 'trigger').map(({ name }) => groupOf(name)))
  try {
    for (const [name, definition] of config.streams) {
      if (definition.kind !== 'home') continue
      const groups = [...config.triggers]
        .filter(([, trigger]) => trigger.stream === name)
        .map(([trigger]) => groupOf(trigger))
      const log = await openEmbeddedLog({
        directory: join(config.dataDir, 'streams', name),
        stream: name,
        partitionCount: definition.partitions,
        retentionMs: definition.retentionMs,
        maxBytes: definition.maxBytes,
        groups,
        onFatal,
      })
      // A group of an earlier configuration would hold the log for ever; its place is gone with its trigger. One that
      // is only disabled keeps its place, and its events.
      for (const group of log.groups) if (!groups.includes(group) && !disabled.has(group)) await log.forgetGroup(group)
      const intake = createStreamIntake({ log, dedupe: deduplicationDefaults })
      streams.set(name, { name, log, intake })
      await intake.rebuild()
    }
    return streams
  } catch (error) {
    for (const { log } of streams.values()) await log.close()
    throw error
  }
}
