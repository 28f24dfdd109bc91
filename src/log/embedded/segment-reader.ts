import { createByteBlock, type ByteBlock } from './byte-block.ts'
import type { LogFile } from './file-layer.ts'
import { checkRecord, damaged, incomplete, maxRecordBytes, sequenceAfter } from './record-codec.ts'

/** What stands at one place of a segment file: valid records, or damage up to the next one. Places are file positions. */
export type SegmentPart =
  | {
      readonly kind: 'records'
      readonly block: ByteBlock
      /** Records fill the block from 0 to here. */
      readonly bytes: number
      readonly nextSequence: number
    }
  | { readonly kind: 'damage'; readonly bytes: number; readonly nextSequence: number }

/** What is read at once, where no record is larger. */
export const chunkBytes = 1_048_576

/** Reads and checks the records of one segment, a chunk at a time. */
export class SegmentReader {
  readonly #file: LogFile
  readonly #marker: number

  constructor(file: LogFile, marker: number) {
    this.#file = file
    this.#marker = marker
  }

  /**
   * Reads on at `at`, where a record begins. Memory is bounded by a chunk or the largest record.
   * @param end where the segment ends; nothing behind it is looked at.
   * @param minSequence records of a lower sequence are damage: they are from another time.
   * @param reused memory of {@link chunkBytes} to read into, if nothing refers to what was read into it before.
   */
  async read(at: number, end: number, minSequence: number, reused?: ByteBlock): Promise<SegmentPart> {
    let size = Math.min(chunkBytes, end - at)
    for (;;) {
      const block = reused !== undefined && size <= chunkBytes ? reused : createByteBlock(size)
      const filled = await this.#file.read(block.bytes.subarray(0, size), at)
      let used = 0
      let nextSequence = minSequence
      let length = incomplete
      while (used < filled) {
        length = checkRecord(block, used, filled, this.#marker, nextSequence)
        if (length <= 0) break
        nextSequence = sequenceAfter(block.view, used)
        used += length
      }
      if (used > 0) return { kind: 'records', block, bytes: used, nextSequence }
      if (length === incomplete && filled >= 24 && filled === size && at + size < end) {
        const claimed = block.view.getUint32(8, true)
        if (claimed > size && claimed <= Math.min(maxRecordBytes, end - at)) {
          size = claimed
          continue
        }
      }
      const next = await this.#findRecord(at + 4, end, minSequence)
      return { kind: 'damage', bytes: next - at, nextSequence: minSequence }
    }
  }

  /** Place of the first valid record from `from` on; `end` when there is none. */
  async #findRecord(from: number, end: number, minSequence: number): Promise<number> {
    const marker = Buffer.alloc(4)
    marker.writeUInt32LE(this.#marker)
    for (let at = from; at < end;) {
      const size = Math.min(chunkBytes, end - at)
      const block = createByteBlock(size)
      const filled = await this.#file.read(block.bytes.subarray(0, size), at)
      if (filled < 24) return end
      const window = block.bytes.subarray(0, filled)
      for (let hit = window.indexOf(marker); hit >= 0; hit = window.indexOf(marker, hit + 1)) {
        if (((at + hit) & 3) !== 0) continue
        const length = checkRecord(block, hit, filled, this.#marker, minSequence)
        if (length > damaged) return at + hit
        if (length === incomplete && (await this.#isRecord(at + hit, end, minSequence))) return at + hit
      }
      if (at + filled >= end) return end
      // The marker itself may lie across two windows.
      at += filled - 4
    }
    return end
  }

  async #isRecord(at: number, end: number, minSequence: number): Promise<boolean> {
    const head = createByteBlock(24)
    if (end - at < 24 || (await this.#file.read(head.bytes, at)) < 24) return false
    const claimed = head.view.getUint32(8, true)
    if (claimed < 24 || claimed > Math.min(maxRecordBytes, end - at) || (claimed & 3) !== 0) return false
    const block = createByteBlock(claimed)
    const filled = await this.#file.read(block.bytes, at)
    return filled === claimed && checkRecord(block, 0, claimed, this.#marker, minSequence) > damaged
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
