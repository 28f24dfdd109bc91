import { headerTag, readHeaderField } from '../events/event-header-codec.ts'
import type { HeaderLog } from '../log/partition-log.ts'
import { DeduplicationIndex, type DeduplicationOptions } from './deduplication-index.ts'

/** The ids of the last window, read back from the headers in the log: nothing else of the events is looked at or kept. */
export async function rebuildIndex(
  log: HeaderLog,
  options: DeduplicationOptions,
  nowMs: number,
): Promise<DeduplicationIndex> {
  const sinceMs = nowMs - options.windowMs
  const index = new DeduplicationIndex(options, sinceMs)
  await log.scanHeaders({ sinceMs, maxRecords: options.maxEntries }, (partition, offset, timestampMs, header) => {
    const id = idOf(header)
    // A clock that ran ahead must not make an id outlive its window by more.
    if (id !== undefined) index.add(id, { partition, offset }, Math.min(timestampMs, nowMs))
  })
  return index
}

function idOf(header: Buffer): string | undefined {
  try {
    return readHeaderField(header, headerTag.dedupId)
  } catch {
    // A damaged header is reported by whoever processes the record; here it only means one id less.
    return undefined
  }
}
