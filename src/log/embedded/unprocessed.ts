import type { CommittedOffsets } from './committed-offsets.ts'
import type { Segment } from './segment.ts'

/**
 * Bytes of each segment that a group has not completed, estimated by the share of its events: what holds the segment on
 * the disk.
 * @param ends end offset by partition.
 */
export function unprocessedBytes(
  segments: readonly Segment[],
  ends: readonly number[],
  committed: CommittedOffsets,
  group: string,
): number[] {
  return segments.map(({ bytes, offsets }, index) => {
    const next = segments[index + 1]?.offsets ?? ends
    let events = 0
    let left = 0
    for (const [partition, end] of next.entries()) {
      const first = offsets[partition] ?? 0
      events += end - first
      left += Math.max(0, end - Math.max(first, committed.position(group, partition) ?? 0))
    }
    return events === 0 ? 0 : (bytes * left) / events
  })
}

/**
 * What a group has to complete before so many bytes are free: room comes back by whole segments, the oldest first.
 * @param unprocessed of each segment, as {@link unprocessedBytes} gives it.
 */
export function bytesInTheWay(segments: readonly Segment[], unprocessed: readonly number[], needed: number): number {
  let freed = 0
  let inTheWay = 0
  for (const [index, segment] of segments.entries()) {
    if (freed >= needed) break
    freed += segment.bytes
    inTheWay += unprocessed[index] ?? 0
  }
  return inTheWay
}
