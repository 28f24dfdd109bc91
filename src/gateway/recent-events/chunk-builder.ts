import type { EventMoment } from '../../store/event-moment.ts'
import { encodeMoment } from '../../store/moment-codec.ts'
import type { MomentChunk } from '../../store/recent-events.ts'

/** A chunk is full when it has so many bytes or moments. */
const maxChunkBytes = 128 * 1024
const maxChunkMoments = 4_096

/** Collects moments into chunks. */
export class ChunkBuilder {
  readonly #isNotable: boolean
  readonly #onFull: () => void
  #moments: Buffer[] = []
  #bytes = 0
  #events = 0
  #fromMs = Infinity
  #toMs = -Infinity

  constructor(isNotable: boolean, onFull: () => void) {
    this.#isNotable = isNotable
    this.#onFull = onFull
  }

  get isEmpty(): boolean {
    return this.#moments.length === 0
  }

  add(moment: EventMoment): void {
    const bytes = encodeMoment(moment)
    this.#moments.push(bytes)
    this.#bytes += bytes.length
    if (moment.header !== undefined) this.#events++
    this.#fromMs = Math.min(this.#fromMs, moment.atMs)
    this.#toMs = Math.max(this.#toMs, moment.atMs)
    if (this.#bytes >= maxChunkBytes || this.#moments.length >= maxChunkMoments) this.#onFull()
  }

  /** What was collected, in memory of its own; undefined when it is nothing. */
  take(): MomentChunk | undefined {
    if (this.isEmpty) return undefined
    // Of its own, and not of a pool: the memory is given to another thread.
    const data = Buffer.allocUnsafeSlow(this.#bytes)
    let at = 0
    for (const moment of this.#moments) at += moment.copy(data, at)
    const chunk = { isNotable: this.#isNotable, fromMs: this.#fromMs, toMs: this.#toMs, events: this.#events, data }
    this.#moments = []
    this.#bytes = 0
    this.#events = 0
    this.#fromMs = Infinity
    this.#toMs = -Infinity
    return chunk
  }
}
