import type { FrameNonce } from './frame-codec.ts'
import type { ChunkSummary } from './outcome-receiver.ts'
import { chunkFlag, chunkPrologue } from './result-codec.ts'
import type { RunningFrame } from './running-frame.ts'
import type { WaitingFrame } from './waiting-frame.ts'

function isSame(a: FrameNonce, b: FrameNonce): boolean {
  return a.high === b.high && a.low === b.low
}

interface Handed {
  readonly frame: RunningFrame
  readonly waiting: WaitingFrame
}

/**
 * What one worker runs at a time: the frame that its task brought, and those that joined it while it ran. The session ends
 * with the answer of the task, which is that of the frame that ended last; the others end with a message.
 *
 * A frame may join in the moment in which the session ends: the worker leaves it alone then, and says how many it has
 * taken. Messages keep their order, so that the rest has certainly not begun.
 */
export class FrameSession {
  /** Nothing may join. */
  readonly isClosed: boolean
  /** Of those without their last outcomes, by how many were handed over before them. */
  readonly #handed = new Map<number, Handed>()
  #count = 0
  #open = 0
  #taken = 1
  #flags = 0

  constructor(frame: RunningFrame, waiting: WaitingFrame) {
    this.isClosed = frame.careful || waiting.alone
    this.add(frame, waiting)
  }

  add(frame: RunningFrame, waiting: WaitingFrame): void {
    this.#handed.set(this.#count++, { frame, waiting })
    this.#open += frame.open
  }

  /** Frames that were handed over, those included that are done. */
  get count(): number {
    return this.#count
  }

  /** Events without an outcome. */
  get open(): number {
    return this.#open
  }

  /** Something has joined and the worker has not said that it has it. */
  get hasUntaken(): boolean {
    return this.#count > this.#taken
  }

  /** The worker is to be replaced when the session is over, so nothing should join it. */
  get isLast(): boolean {
    return (this.#flags & (chunkFlag.recycle | chunkFlag.expire)) !== 0
  }

  /** Of all chunks up to now. */
  get flags(): number {
    return this.#flags
  }

  /** Settles what the worker posted; undefined when it is no answer to a frame of the session. */
  receive(chunk: unknown): ChunkSummary | undefined {
    const { nonce } = chunkPrologue(chunk)
    for (const [index, { frame }] of this.#handed) {
      if (!isSame(frame.nonce, nonce)) continue
      const before = frame.open
      const summary = frame.receive(chunk)
      this.#open -= before - frame.open
      if (summary === undefined) break
      this.#told(summary)
      const isFinal = (summary.flags & chunkFlag.final) !== 0
      if (isFinal && frame.open === 0) {
        this.#handed.delete(index)
        frame.done()
      }
      // The worker is damaged; what is open ends with its session, which should be soon.
      if (isFinal && frame.open > 0) this.#flags |= chunkFlag.recycle
      return summary
    }
    this.#flags |= chunkFlag.recycle
    return undefined
  }

  #told({ flags, taken }: { readonly flags: number; readonly taken: number }): void {
    this.#flags |= flags
    this.#taken = Math.max(this.#taken, taken)
  }

  /**
   * Takes out the frames that the worker has left alone when the session ended.
   * @param last the answer of the task, which is read later; absent when it has none.
   */
  over(last?: unknown): WaitingFrame[] {
    const said = chunkPrologue(last)
    const isOurs = this.frames.some(({ nonce }) => isSame(nonce, said.nonce))
    if (isOurs) this.#told(said)
    const isKnown = (isOurs && (said.flags & chunkFlag.final) !== 0) || (this.#flags & chunkFlag.end) !== 0
    const refused: WaitingFrame[] = []
    if (!isKnown) return refused
    for (const [index, { frame, waiting }] of this.#handed) {
      // What has an outcome has begun, whatever the worker says.
      if (index < this.#taken || frame.open < waiting.invocations.length) continue
      this.#handed.delete(index)
      this.#open -= frame.open
      refused.push({ ...waiting, encoded: undefined })
    }
    return refused
  }

  /** Frames that are not done. */
  get frames(): readonly RunningFrame[] {
    return [...this.#handed.values()].map(({ frame }) => frame)
  }
}
