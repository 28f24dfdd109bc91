import { join } from 'node:path'
import type { LogRecord } from '../log-record.ts'
import type { HeaderRange, VisitHeader } from '../partition-log.ts'
import { type ByteBlock, copyToBlock, createByteBlock } from './byte-block.ts'
import { eachEvent, type LogReader } from './log-reader.ts'
import type { ResolvedOptions } from './options.ts'
import { lengthOf, offsetOf, StoredRecord, timestampOf } from './record-codec.ts'
import { chunkBytes, SegmentReader } from './segment-reader.ts'
import { type Segment, segmentHeadBytes } from './segment.ts'

/** Memory that the records of one {@link browseRecords} may take; a larger record comes alone. */
const maxBrowsedBytes = 16 * 1_048_576

/** Copies the records of one partition out of the log, between two offsets. */
export async function browseRecords(
  reader: LogReader,
  partition: number,
  from: number,
  end: number,
  limit: number,
): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  let next = from
  let bytes = 0
  const isFull = (): boolean => records.length >= limit || bytes >= maxBrowsedBytes
  for (let position = reader.seek(partition, next); next < end && !isFull();) {
    const chunk = await reader.read(position)
    if (chunk === undefined) break
    position = chunk.end
    if (chunk.kind !== 'records') continue
    const { block } = chunk
    eachEvent(block, chunk.from, chunk.to, (at, of) => {
      if (of !== partition || isFull() || offsetOf(block.view, at) < next) return
      next = offsetOf(block.view, at) + 1
      bytes += lengthOf(block.view, at)
      records.push(new StoredRecord(copyToBlock(block.bytes, at, at + lengthOf(block.view, at)), 0))
    })
  }
  return records
}

/**
 * Visits the headers of the newest records in the order in which they were appended. Each segment is opened and read once,
 * into one block of memory; nothing of a record is kept.
 * @param ends durable end offset by partition: with the offsets at which segments begin they tell how many records follow.
 * @param endPosition behind the last durable record.
 */
export async function scanHeaders(
  options: ResolvedOptions,
  segments: readonly Segment[],
  ends: readonly number[],
  endPosition: number,
  range: HeaderRange,
  visit: VisitHeader,
): Promise<void> {
  const block = createByteBlock(chunkBytes)
  // Retention may shorten the list meanwhile.
  for (const segment of segments.slice(firstSegment(segments, ends, range))) {
    const end = Math.min(segment.bytes, endPosition - segment.start)
    const file = await options.files.open(join(options.directory, segment.name), 'read').catch((error: unknown) => {
      if (segments.includes(segment)) throw error
    })
    if (file === undefined) continue
    const reader = new SegmentReader(file, segment.marker)
    try {
      for (let at = segmentHeadBytes, sequence = segment.sequence; at < end;) {
        const part = await reader.read(at, end, sequence, block)
        at += part.bytes
        sequence = part.nextSequence
        if (part.kind === 'records') visitPart(part.block, part.bytes, range.sinceMs, visit)
      }
    } finally {
      await reader.close()
    }
  }
}

function visitPart(block: ByteBlock, bytes: number, sinceMs: number, visit: VisitHeader): void {
  eachEvent(block, 0, bytes, (at, partition) => {
    const timestampMs = timestampOf(block.view, at)
    if (timestampMs < sinceMs) return
    visit(partition, offsetOf(block.view, at), timestampMs, new StoredRecord(block, at).header)
  })
}

/** The last segment from which on nothing is missing: what stands before it is too old, or enough follows. */
function firstSegment(segments: readonly Segment[], ends: readonly number[], range: HeaderRange): number {
  let index = segments.length - 1
  while (index > 0) {
    const { createdMs, offsets } = segments[index]!
    const following = ends.reduce((sum, end, partition) => sum + end - (offsets[partition] ?? 0), 0)
    if (createdMs < range.sinceMs || following >= range.maxRecords) break
    index -= 1
  }
  return Math.max(0, index)
}
