/** Records of one partition that may wait outside of its window, when it is fast. */
const maxEvents = 16_384
const maxBytes = 4 * 1024 * 1024
const minBytes = 256 * 1024

/** What all partitions of a trigger may hold outside of their windows. */
const totalBytes = 64 * 1024 * 1024

/** What is left when the log is asked to go on shall last for this long, in ms: the answer of a distant broker takes less. */
const lastsMs = 500

/** A slow partition may hold this part of the bounds: logs hand out whole batches, and smaller ones are read more often. */
const leastShare = 1 / 32

/** The most bytes that one of `partitions` partitions may hold. */
export function readAheadBytes(partitions: number): number {
  return Math.min(maxBytes, Math.max(minBytes, Math.floor(totalBytes / Math.max(partitions, 1))))
}

/**
 * How much of a partition waits in memory outside of its window, and whether the log shall hand out more of it.
 *
 *   filling ── as much waits as may, or more ──▶ paused ── no more than half of that is left ──▶ filling
 *
 * How much may wait follows from how fast it went since the pause: twice what is used up in {@link lastsMs}. More is memory
 * without use, and dear memory, because what waited for seconds is old to the garbage collector and goes late. A log hands
 * out whole batches all the same, so of a slow partition one batch waits.
 */
export class ReadAhead {
  /** Bound of the bytes; see {@link readAheadBytes}. */
  maxBytes = maxBytes
  #events = 0
  #bytes = 0
  /** The part of the bounds that may wait. */
  #share = leastShare
  #pausedAtMs: number | undefined
  #loadAtPause = 0

  get events(): number {
    return this.#events
  }

  added(events: number, bytes: number): void {
    this.#events += events
    this.#bytes += bytes
  }

  taken(bytes: number): void {
    this.#events--
    this.#bytes -= bytes
  }

  /** So much waits that the log shall hand out nothing more. */
  get isOverfed(): boolean {
    return this.#load >= this.#share
  }

  /** So little waits that the log shall go on: well before the window runs dry, because a log takes a while to. */
  get isHungry(): boolean {
    return this.#load * 2 <= this.#share
  }

  /** Whether the log was asked to hand out nothing more of the partition. */
  get paused(): boolean {
    return this.#pausedAtMs !== undefined
  }

  /** @param nowMs monotonic, as for {@link resume} */
  pause(nowMs: number): void {
    this.#pausedAtMs = nowMs
    this.#loadAtPause = this.#load
  }

  resume(nowMs: number): void {
    const tookMs = Math.max(nowMs - (this.#pausedAtMs ?? nowMs), 1)
    this.#pausedAtMs = undefined
    const usedInTime = ((this.#loadAtPause - this.#load) / tookMs) * lastsMs
    this.#share = Math.min(Math.max(2 * usedInTime, leastShare), 1)
  }

  /** What waits as a part of the bounds. */
  get #load(): number {
    return Math.max(this.#events / maxEvents, this.#bytes / this.maxBytes)
  }
}
