/**
 * Which offset of one assigned partition may be committed, while its records complete out of order. Pure bookkeeping
 * over a ring: every record gets a dense sequence number, so that gaps of compaction cost nothing.
 *
 * Only the low watermark ever leaves: the offset of the oldest record that is not complete. It is computed from
 * completed records alone, never from seen ones. One tracker lives exactly as long as one assignment; a completion of
 * an earlier assignment reaches its own, abandoned tracker and so cannot move this one.
 */
export class OffsetTracker {
  #offsets = new Float64Array(64)
  #timestamps = new Float64Array(64)
  #complete = new Uint8Array(64)
  #mask = 63
  #oldest = 0
  #next = 0
  #newestComplete = -1
  #nextOffset: number

  /** @param position the committed offset that reading begins at. */
  constructor(position: number) {
    this.#nextOffset = position
  }

  /** Sequence number of the next record; all below {@link oldest} are complete. */
  get next(): number {
    return this.#next
  }

  /** Sequence number of the oldest incomplete record; equals {@link next} when there is none. */
  get oldest(): number {
    return this.#oldest
  }

  /** Sequence number of the newest complete record; -1 before the first. */
  get newestComplete(): number {
    return this.#newestComplete
  }

  /** The offset after the last one that was registered. */
  get nextOffset(): number {
    return this.#nextOffset
  }

  /** The offset that may be committed: everything below it is complete. */
  get committable(): number {
    return this.#oldest === this.#next ? this.#nextOffset : (this.#offsets[this.#oldest & this.#mask] as number)
  }

  /** Timestamp of the oldest incomplete record; undefined when there is none. */
  get oldestTimestampMs(): number | undefined {
    return this.#oldest === this.#next ? undefined : this.#timestamps[this.#oldest & this.#mask]
  }

  /**
   * Whether the record of an offset is complete; undefined when it was not registered yet. An offset between those that
   * were registered, which compaction has taken, counts as complete.
   */
  isComplete(offset: number): boolean | undefined {
    if (offset >= this.#nextOffset) return undefined
    let low = this.#oldest
    let high = this.#next
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2)
      if ((this.#offsets[middle & this.#mask] as number) < offset) low = middle + 1
      else high = middle
    }
    const isRegistered = low < this.#next && this.#offsets[low & this.#mask] === offset
    return !isRegistered || this.#complete[low & this.#mask] === 1
  }

  /**
   * Registers a record and returns its sequence number, or -1 when the offset was registered before (a fetch that was
   * repeated from the committed offset).
   */
  add(offset: number, timestampMs = 0): number {
    if (offset < this.#nextOffset) return -1
    if (this.#next - this.#oldest > this.#mask) this.#grow()
    const slot = this.#next & this.#mask
    this.#offsets[slot] = offset
    this.#timestamps[slot] = timestampMs
    this.#complete[slot] = 0
    this.#nextOffset = offset + 1
    return this.#next++
  }

  /** Marks a record complete; returns whether the watermark moved. Repeating it changes nothing. */
  complete(sequence: number): boolean {
    if (sequence < this.#oldest || sequence >= this.#next) return false
    this.#complete[sequence & this.#mask] = 1
    if (sequence > this.#newestComplete) this.#newestComplete = sequence
    if (sequence !== this.#oldest) return false
    let oldest = sequence + 1
    while (oldest < this.#next && this.#complete[oldest & this.#mask] === 1) oldest++
    this.#oldest = oldest
    return true
  }

  #grow(): void {
    const size = this.#offsets.length * 2
    const offsets = new Float64Array(size)
    const timestamps = new Float64Array(size)
    const complete = new Uint8Array(size)
    for (let sequence = this.#oldest; sequence < this.#next; sequence++) {
      offsets[sequence & (size - 1)] = this.#offsets[sequence & this.#mask] as number
      timestamps[sequence & (size - 1)] = this.#timestamps[sequence & this.#mask] as number
      complete[sequence & (size - 1)] = this.#complete[sequence & this.#mask] as number
    }
    this.#offsets = offsets
    this.#timestamps = timestamps
    this.#complete = complete
    this.#mask = size - 1
  }
}
