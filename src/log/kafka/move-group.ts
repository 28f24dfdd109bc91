import { SluiceError } from '../../errors/sluice-error.ts'
import type { KafkaClient } from './kafka-client.ts'

export interface GroupMove {
  /** As Kafka knows it. */
  readonly group: string
  readonly offsets: ReadonlyMap<number, number>
  /** How long a member that died without leaving is waited for. Default 30,000. */
  readonly sessionTimeoutMs: number | undefined
}

const defaultSessionTimeoutMs = 30_000
/** Time to join and commit beyond the longest wait for a member that is gone. */
const graceMs = 15_000

/**
 * Moves a group from within: a member that reads nothing joins, commits the new places in its own generation, and leaves.
 * Kafka's admin call wants a group without members, and a commit from outside of the group is not fenced; this one is
 * refused when the partitions have moved on. All partitions are in one request, so they are moved together.
 *
 * @returns the partitions that other members of the group hold; they are not moved.
 * @throws {SluiceError} SLUICE_LOG_UNAVAILABLE when no partition was gained in time.
 */
export async function moveGroup(client: KafkaClient, topic: string, move: GroupMove): Promise<readonly number[]> {
  const { group, offsets, sessionTimeoutMs = defaultSessionTimeoutMs } = move
  const gained = Promise.withResolvers<ReadonlySet<number>>()
  const limitMs = sessionTimeoutMs + graceMs
  const unavailable = (why: string, cause?: unknown): SluiceError =>
    new SluiceError(
      'SLUICE_LOG_UNAVAILABLE',
      `group "${group}" could not be moved: ${why}; its places are the old ones or, if the answer of Kafka was lost, the new ones`,
      { cause },
    )
  const late = unavailable(
    `no partition was assigned in ${limitMs / 1_000} s; other members of the group may hold them all`,
  )
  const timer = setTimeout(() => gained.reject(late), limitMs)
  const member = await client.subscribe(
    { group, topic, start: 'earliest', sessionTimeoutMs, moveTo: offsets },
    {
      assigned: (_epoch, partitions) => gained.resolve(new Set(partitions.map(({ partition }) => partition))),
      revoked: () => undefined,
      records: () => undefined,
      outOfRange: () => undefined,
      fatal: error => gained.reject(unavailable(error.message, error)),
    },
  )
  try {
    member.pause([...offsets.keys()])
    const moved = await gained.promise
    return [...offsets.keys()].filter(partition => !moved.has(partition))
  } finally {
    clearTimeout(timer)
    await member.close()
  }
}
