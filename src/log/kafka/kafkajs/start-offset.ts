import type { PartitionEnds, StartPosition } from '../../partition-log.ts'

export interface StartQuestion {
  /** Where somebody wants the group to be; undefined when it is not being moved. */
  readonly movedTo: number | undefined
  /** What the group has committed; undefined for nothing. Negative when kafkajs lost its position and committed -2. */
  readonly committed: number | undefined
  readonly ends: PartitionEnds
  readonly start: StartPosition
  /** The offset of `start.timestampMs`, when that is the start. */
  readonly offsetAtTime: number | undefined
  /** What this member once read as committed or committed itself. Kafka forgets the offsets of a topic that is deleted. */
  readonly lastCommitted: number | undefined
  /** The position of this member when it saw that the partition had become shorter. */
  readonly truncatedAt: number | undefined
}

export interface StartAnswer {
  readonly position: number
  /** It is not what the group has committed, so it must be written before anything is read. */
  readonly mustCommit: boolean
  readonly anomaly: { readonly kind: 'expired' | 'truncated'; readonly from: number } | undefined
}

/**
 * Where reading begins. A committed offset that is not in the log any more is never passed over in silence: below its
 * begin, retention was faster; behind its end, the topic was made anew or lost records, and since nobody can tell which
 * records the group has not seen, it reads all of them.
 */
export function startOffset({
  movedTo,
  committed,
  ends,
  start,
  offsetAtTime,
  lastCommitted,
  truncatedAt,
}: StartQuestion): StartAnswer {
  const { low, end } = ends
  // Whoever moves the group has seen what it passes over.
  if (movedTo !== undefined)
    return { position: Math.min(Math.max(movedTo, low), end), mustCommit: true, anomaly: undefined }
  const lostAt = truncatedAt ?? (committed === undefined ? lastCommitted : undefined)
  if (lostAt !== undefined) return { position: low, mustCommit: true, anomaly: { kind: 'truncated', from: lostAt } }
  if (committed !== undefined) {
    if (committed < 0) return { position: low, mustCommit: true, anomaly: undefined }
    if (committed < low) return { position: low, mustCommit: true, anomaly: { kind: 'expired', from: committed } }
    if (committed > end) return { position: low, mustCommit: true, anomaly: { kind: 'truncated', from: committed } }
    return { position: committed, mustCommit: false, anomaly: undefined }
  }
  return { position: Math.min(Math.max(wanted(), low), end), mustCommit: true, anomaly: undefined }

  function wanted(): number {
    if (start === 'earliest') return low
    if (start === 'latest') return end
    return 'offset' in start ? start.offset : (offsetAtTime ?? end)
  }
}
