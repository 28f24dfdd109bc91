import type { ByteBlock } from './byte-block.ts'

/** Records in memory: `block` from `from` to `to` is what stands at position `start` of the log. */
export interface CachedChunk {
  readonly block: ByteBlock
  readonly from: number
  readonly to: number
  readonly start: number
}

/** The newest durable records, bounded in bytes of the memory that they hold. */
export class TailCache {
  readonly #maxBytes: number
  readonly #chunks: { block: ByteBlock; from: number; to: number; start: number }[] = []
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Adds what follows the chunk before it, in log order. */
  add(block: ByteBlock, from: number, to: number, start: number): void {
    const last = this.#chunks.at(-1)
    if (last?.block === block && last.to === from && last.start + (last.to - last.from) === start) {
      last.to = to
      return
    }
    // A block that holds several chunks counts once; its chunks are neighbours.
    if (last?.block !== block) this.#bytes += block.bytes.length
    this.#chunks.push({ block, from, to, start })
    while (this.#bytes > this.#maxBytes && this.#chunks.length > 1) {
      const oldest = this.#chunks.shift()!
      if (this.#chunks[0]?.block !== oldest.block) this.#bytes -= oldest.block.bytes.length
    }
  }

  /** Position from which on everything durable is here; undefined when nothing is. */
  get start(): number | undefined {
    return this.#chunks[0]?.start
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The chunk that holds `position`, or the next one behind it. */
  at(position: number): CachedChunk | undefined {
    let index = this.#chunks.length - 1
    while (index > 0 && this.#chunks[index - 1]!.start + this.#length(index - 1) > position) index -= 1
    const chunk = this.#chunks[index]
    return chunk !== undefined && chunk.start + chunk.to - chunk.from > position ? chunk : undefined
  }

  #length(index: number): number {
    const chunk = this.#chunks[index]!
    return chunk.to - chunk.from
  }
}
