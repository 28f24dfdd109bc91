/** One partition this member owns. */
export interface OwnedPartition {
  /** Generation in which it was gained. */
  readonly epoch: number
  /** The offset the next record must have, or be after; the fetch position. Meaningless until announced. */
  next: number
  /** The highest offset known to be committed in this epoch; -1 for none. */
  committed: number
  /** Its position is known and the handlers were told that they own it. */
  isAnnounced: boolean
}

export interface JoinOutcome {
  /** Announced partitions that are owned no more, by their epoch. */
  readonly revoked: ReadonlyMap<number, readonly number[]>
  /** Their position must be found before anything is read. */
  readonly gained: readonly number[]
  /** Owned before and after, announced, in their old epoch. */
  readonly kept: readonly number[]
}

/**
 * Which partitions this member owns since which generation. kafkajs tells an assignment only after the fact, so what was
 * lost and gained is the difference of two joins. Pure bookkeeping.
 */
export class Assignment {
  readonly #owned = new Map<number, OwnedPartition>()
  #memberId: string | undefined
  #generation = -1

  join(memberId: string, generation: number, partitions: readonly number[]): JoinOutcome {
    // Under a new member id, or with a generation between that we had no part in, others may have owned what looks kept.
    const isContinued = memberId === this.#memberId && generation === this.#generation + 1
    this.#memberId = memberId
    this.#generation = generation
    const assigned = new Set(partitions)
    const revoked = this.#drop(partition => !isContinued || !assigned.has(partition))
    const gained: number[] = []
    const kept: number[] = []
    for (const partition of assigned) {
      if (this.#owned.get(partition)?.isAnnounced) {
        kept.push(partition)
      } else {
        this.#owned.set(partition, { epoch: generation, next: 0, committed: -1, isAnnounced: false })
        gained.push(partition)
      }
    }
    return { revoked, gained, kept }
  }

  /** The membership is over. Returns what was announced. */
  end(): ReadonlyMap<number, readonly number[]> {
    this.#memberId = undefined
    return this.#drop(() => true)
  }

  get(partition: number): OwnedPartition | undefined {
    return this.#owned.get(partition)
  }

  /** The partition as it was gained in `epoch`; undefined when it is not owned, or again since another generation. */
  ownedSince(epoch: number, partition: number): OwnedPartition | undefined {
    const owned = this.#owned.get(partition)
    return owned?.epoch === epoch ? owned : undefined
  }

  #drop(isLost: (partition: number) => boolean): Map<number, number[]> {
    const dropped = new Map<number, number[]>()
    for (const [partition, { epoch, isAnnounced }] of this.#owned) {
      if (!isLost(partition)) continue
      this.#owned.delete(partition)
      if (!isAnnounced) continue
      const ofEpoch = dropped.get(epoch)
      if (ofEpoch) ofEpoch.push(partition)
      else dropped.set(epoch, [partition])
    }
    return dropped
  }
}
