import type { CommittedOffsets } from './committed-offsets.ts'
import type { Segment } from './segment.ts'

export interface RetentionPolicy {
  /** Events of this age may go; undefined: age is no reason to delete. */
  readonly retentionMs: number | undefined
  /** Bytes above which the oldest segments may go; undefined: size is no reason to delete. */
  readonly retentionBytes: number | undefined
  /** Quota of the stream; close to it, what every group has completed goes whatever its age. */
  readonly maxBytes: number | undefined
}

/**
 * How many of the oldest segments may be deleted now. A segment goes only when every group has completed all events in
 * it *and* the policy allows; the last one always stays. Without any group, the policy alone decides.
 * @param groups every group that holds the stream, subscribed or not.
 */
export function countExpiredSegments(
  segments: readonly Segment[],
  groups: readonly string[],
  committed: CommittedOffsets,
  policy: RetentionPolicy,
  nowMs: number,
): number {
  let bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
  let count = 0
  while (count < segments.length - 1) {
    const segment = segments[count]!
    const next = segments[count + 1]!
    const isCompleted = groups.every(group =>
      next.offsets.every(
        (end, partition) =>
          end <= (segment.offsets[partition] ?? 0) || (committed.position(group, partition) ?? 0) >= end,
      ),
    )
    if (!isCompleted) break
    // The successor was begun when the last event of this one was written.
    const isOld = policy.retentionMs !== undefined && nowMs - next.createdMs >= policy.retentionMs
    const isTooMuch = policy.retentionBytes !== undefined && bytes - segment.bytes >= policy.retentionBytes
    const isPressed = groups.length > 0 && isCloseTo(policy.maxBytes, bytes, segment.bytes)
    if (!isOld && !isTooMuch && !isPressed) break
    bytes -= segment.bytes
    count += 1
  }
  return count
}

/** Less than a segment's worth of room is left, and where segments are small less than a quarter of the quota. */
function isCloseTo(maxBytes: number | undefined, bytes: number, segmentBytes: number): boolean {
  return maxBytes !== undefined && bytes + Math.max(segmentBytes, maxBytes / 4) > maxBytes
}
