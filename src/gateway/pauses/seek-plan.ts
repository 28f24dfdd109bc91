import type { PartitionEnds } from '../../log/partition-log.ts'

export interface PartitionMove {
  readonly partition: number
  readonly from: number
  readonly to: number
}

export interface SeekPlan {
  readonly partitions: readonly PartitionMove[]
  /** Events between an earlier place and a later one. */
  readonly skipped: number
  readonly repeated: number
}

/**
 * What moving a group does. Pure.
 *
 * @param ends of the log.
 * @param committed of the group; a partition that it never committed stands at its first record.
 * @param to the place that is wanted; a partition that is absent stays. Beyond the log it is the log's first or last place.
 */
export function planSeek(
  ends: readonly PartitionEnds[],
  committed: ReadonlyMap<number, number>,
  to: ReadonlyMap<number, number>,
): SeekPlan {
  const partitions = ends.map(({ low, end }, partition) => {
    // Retention may have passed the place: what is gone can be neither skipped nor repeated.
    const from = Math.min(Math.max(committed.get(partition) ?? low, low), end)
    const target = Math.min(Math.max(to.get(partition) ?? from, low), end)
    return { partition, from, to: target }
  })
  return planOf(partitions)
}

/** What is left of a plan when some partitions were not moved. Pure. */
export function withoutMoves({ partitions }: SeekPlan, left: readonly number[]): SeekPlan {
  return planOf(partitions.map(move => (left.includes(move.partition) ? { ...move, to: move.from } : move)))
}

function planOf(partitions: readonly PartitionMove[]): SeekPlan {
  let skipped = 0
  let repeated = 0
  for (const { from, to } of partitions) {
    skipped += Math.max(0, to - from)
    repeated += Math.max(0, from - to)
  }
  return { partitions, skipped, repeated }
}
