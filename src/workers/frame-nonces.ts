import { randomFillSync } from 'node:crypto'
import type { FrameNonce } from './frame-codec.ts'

/** Numbers that nobody can guess, to tell the answer of a frame from anything else; drawn many at a time. */
export class FrameNonces {
  readonly #numbers = new Uint32Array(256)
  #at = this.#numbers.length

  next(): FrameNonce {
    if (this.#at >= this.#numbers.length) {
      randomFillSync(this.#numbers)
      this.#at = 0
    }
    const high = this.#numbers[this.#at++] as number
    return { high, low: this.#numbers[this.#at++] as number }
  }
}
