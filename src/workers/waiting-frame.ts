import { encodeFrame } from './frame-codec.ts'
import type { FrameNonces } from './frame-nonces.ts'
import { describeThrown } from './invocation-error.ts'
import type { Invocation } from './invocation.ts'
import type { PoolTally } from './pool-tally.ts'
import { RunningFrame } from './running-frame.ts'

/** By an end of which no time is known. */
export const nothingUsed = { handler: 0, cpu: 0 }

/** A frame that was handed in, in whichever worker it runs. */
export interface WaitingFrame {
  readonly invocations: readonly Invocation[]
  readonly done: () => void
  readonly onBegin: (() => void) | undefined
  /** No other may be in its worker. */
  readonly alone: boolean
  /** When it was handed in (`performance.now`). */
  readonly sinceMs: number
  /** Encoded ahead, while all workers are busy. */
  encoded: EncodedFrame | undefined
}

export interface EncodedFrame {
  readonly frame: RunningFrame
  readonly bytes: Uint8Array<ArrayBuffer>
}

export interface EncodingOptions {
  readonly nonces: FrameNonces
  readonly careful: boolean
  readonly tally: PoolTally
}

/** Undefined when it cannot be encoded; then its invocations are settled. */
export function encodeWaiting(
  { invocations, done }: WaitingFrame,
  { nonces, careful, tally }: EncodingOptions,
): EncodedFrame | undefined {
  const nonce = nonces.next()
  const frame = new RunningFrame(invocations, { nonce, careful, tally, done })
  try {
    return { frame, bytes: encodeFrame(invocations, nonce, careful) as Uint8Array<ArrayBuffer> }
  } catch (thrown) {
    // One of them cannot be encoded; alone it is known which.
    frame.workerDied(describeThrown('error', thrown), nothingUsed, true)
    return undefined
  }
}

export function giveBack({ invocations, done }: WaitingFrame): void {
  for (const invocation of invocations) invocation.settle({ kind: 'not-started' })
  done()
}
