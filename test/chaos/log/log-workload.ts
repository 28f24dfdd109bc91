import type { EmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import type { Subscription } from '../../../src/log/partition-log.ts'
import { SluiceError } from '../../../src/errors/sluice-error.ts'
import type { Random } from '../random.ts'
import type { WrittenLog, WrittenRecord } from './written-log.ts'

export const workloadPartitions = 3
export const workloadGroups = ['one', 'two'] as const

/**
 * Writes to a log as several senders at once do, each waiting for its acknowledgement before its next append, while two
 * groups read and commit. What they are told goes into `written`.
 */
export async function writeAndRead(
  log: EmbeddedLog,
  written: WrittenLog,
  random: Random,
  appends: number,
): Promise<void> {
  const readers = await Promise.all(
    workloadGroups.map(group => CommittingReader.subscribe(log, group, written, random)),
  )
  let left = appends
  const send = async (): Promise<void> => {
    while (left-- > 0) {
      const records = newRecords(written, random)
      await append(log, records)
    }
  }
  await Promise.all(Array.from({ length: 1 + random.below(5) }, send))
  for (const reader of readers) await reader.close()
}

function newRecords(written: WrittenLog, random: Random): WrittenRecord[] {
  const partition = random.below(workloadPartitions)
  const count = random.chance(0.7) ? 1 : 1 + random.below(4)
  return Array.from({ length: count }, () => {
    const bytes = random.chance(0.1) ? random.below(1_800) : random.below(160)
    return written.create(partition, bytes, random)
  })
}

async function append(log: EmbeddedLog, records: readonly WrittenRecord[]): Promise<void> {
  try {
    const first = await log.append(
      records[0]!.partition,
      records.map(({ record }) => record),
    )
    for (const [index, written] of records.entries()) {
      written.outcome = 'acknowledged'
      written.offset = first + index
    }
  } catch (thrown) {
    // Refused for want of room: it was promised that nothing is kept. Of a log that failed nothing is known.
    if (SluiceError.from(thrown).code === 'SLUICE_LOG_FULL') for (const written of records) written.outcome = 'refused'
  }
}

/** A group that takes what it is given and commits now and then, up to somewhere in it. */
class CommittingReader {
  readonly #group: string
  readonly #written: WrittenLog
  readonly #random: Random
  readonly #next = new Map<number, number>()
  #subscription: Subscription | undefined
  #epoch = 0
  #commits: Promise<void>[] = []

  private constructor(group: string, written: WrittenLog, random: Random) {
    this.#group = group
    this.#written = written
    this.#random = random
  }

  static async subscribe(
    log: EmbeddedLog,
    group: string,
    written: WrittenLog,
    random: Random,
  ): Promise<CommittingReader> {
    const reader = new CommittingReader(group, written, random)
    reader.#subscription = await log
      .subscribe(group, 'earliest', {
        assigned: epoch => (reader.#epoch = epoch),
        revoked: () => undefined,
        records: (_epoch, partition, records) => reader.#take(partition, records.at(-1)!.offset + 1),
        anomaly: () => undefined,
        fatal: () => undefined,
      })
      .catch(() => undefined)
    return reader
  }

  async close(): Promise<void> {
    await Promise.all(this.#commits)
    await this.#subscription?.close()
  }

  #take(partition: number, next: number): void {
    this.#next.set(partition, next)
    if (!this.#random.chance(0.4)) return
    const offset = this.#random.chance(0.5) ? next : this.#random.below(next + 1)
    const place = `${this.#group} ${partition}`
    const known = this.#written.committed.get(place) ?? { acknowledged: 0, asked: 0 }
    if (offset <= known.asked) return
    known.asked = offset
    this.#written.committed.set(place, known)
    const told = this.#subscription
      ?.commit(this.#epoch, new Map([[partition, offset]]))
      .then(() => {
        known.acknowledged = Math.max(known.acknowledged, offset)
      })
      .catch(() => undefined)
    if (told !== undefined) this.#commits.push(told)
  }
}
