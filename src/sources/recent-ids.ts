import { headerTag, readHeaderField } from '../events/event-header-codec.ts'
import type { LogRecord } from '../log/log-record.ts'
import type { PartitionLog } from '../log/partition-log.ts'

/** A deduplication id that stands in the log. */
export interface RecentId {
  readonly id: string
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
}

/** Records that are read at once: bounds the memory of a start to one chunk. */
const CHUNK_RECORDS = 1024

/**
 * Reads back from the end of every partition the deduplication ids of the records since `sinceMs`, at most
 * `maxEntries` of them, oldest first.
 */
export async function readRecentIds(log: PartitionLog, sinceMs: number, maxEntries: number): Promise<RecentId[]> {
  const ends = await log.ends()
  const maxPerPartition = Math.ceil(maxEntries / Math.max(1, log.partitionCount))
  const found: RecentId[] = []
  for (const [partition, { low, end }] of ends.entries()) {
    let from = end
    let ids = 0
    let scanned = 0
    // Records without an id are bounded as well: a stream that is fed without ids must not be read as a whole.
    while (from > low && ids < maxPerPartition && scanned < maxEntries) {
      const until = from
      from = Math.max(low, until - CHUNK_RECORDS)
      const records = (await log.browse(partition, from, until - from)).filter(record => record.offset < until)
      scanned += until - from
      for (const record of records) {
        const id = record.timestampMs < sinceMs ? undefined : idOf(record)
        if (id === undefined) continue
        ids++
        found.push({ id, partition, offset: record.offset, timestampMs: record.timestampMs })
      }
      const oldest = records[0]
      if (oldest !== undefined && oldest.timestampMs < sinceMs) break
    }
  }
  return found.sort((a, b) => a.timestampMs - b.timestampMs).slice(-maxEntries)
}

function idOf(record: LogRecord): string | undefined {
  if (record.header === null) return undefined
  try {
    return readHeaderField(record.header, headerTag.dedupId)
  } catch {
    // A damaged header is reported by whoever processes the record; here it only means one id less.
    return undefined
  }
}
