/** What one commit record says. */
export interface OffsetCommit {
  readonly group: string
  /** Partition and next offset that is not completed; null when the group is forgotten. */
  readonly offsets: readonly (readonly [partition: number, offset: number])[] | null
}

/** The committed offsets of every group of a stream. */
export class CommittedOffsets {
  readonly #groups = new Map<string, Map<number, number>>()

  apply({ group, offsets }: OffsetCommit): void {
    if (offsets === null) {
      this.#groups.delete(group)
      return
    }
    let table = this.#groups.get(group)
    if (table === undefined) this.#groups.set(group, (table = new Map()))
    for (const [partition, offset] of offsets) table.set(partition, offset)
  }

  /** A copy; empty for a group that never committed. */
  of(group: string): Map<number, number> {
    return new Map(this.#groups.get(group))
  }

  get names(): readonly string[] {
    return [...this.#groups.keys()]
  }

  /** Lowest offset that a group still needs in a partition; undefined when it never committed there. */
  position(group: string, partition: number): number | undefined {
    return this.#groups.get(group)?.get(partition)
  }

  /** Highest offset that any group has completed, by partition: no new record may get a lower one. */
  highest(partition: number): number {
    let highest = 0
    for (const table of this.#groups.values()) highest = Math.max(highest, table.get(partition) ?? 0)
    return highest
  }

  snapshot(): [group: string, offsets: [number, number][]][] {
    return [...this.#groups].map(([group, table]) => [group, [...table]])
  }
}
