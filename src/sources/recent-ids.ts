import { headerTag, readHeaderField } from '../events/event-header-codec.ts'
import type { HeaderLog } from '../log/partition-log.ts'
import { DeduplicationIndex, type DeduplicationOptions } from './deduplication-index.ts'

/**
 * The ids of the last window, read back from the headers in the log: nothing else of the events is looked at or kept. The
 * window ends with what was written last, not now: what was under way when the process died is repeated however long it was
 * away, and its results must be recognised then.
 */
export async function rebuildIndex(
  log: HeaderLog,
  options: DeduplicationOptions,
  nowMs: number,
): Promise<DeduplicationIndex> {
  const { windowMs, maxEntries } = options
  const newestMs = Math.min(nowMs, log.foundUntilMs)
  const sinceMs = newestMs - windowMs
  const index = new DeduplicationIndex(options, sinceMs)
  await log.scanHeaders({ sinceMs, maxRecords: maxEntries }, (partition, offset, timestampMs, header) => {
    const id = idOf(header)
    // A clock that ran ahead must not make an id outlive its window by more.
    if (id !== undefined) index.add(id, { partition, offset }, Math.min(timestampMs, newestMs))
  })
  index.resume(newestMs, nowMs)
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
