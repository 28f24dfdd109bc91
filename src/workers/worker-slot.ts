import { MessageChannel, receiveMessageOnPort, type MessagePort, type Worker } from 'node:worker_threads'
import type { InvocationError } from './invocation.ts'
import { KillSwitch } from './kill-switch.ts'
import type { FrameSession } from './frame-session.ts'
import type { EncodedFrame, WaitingFrame } from './waiting-frame.ts'
import { closeRequest, type JoinRequest } from './worker-settings.ts'

/** A thread that does not end within this time is given up; it may sit in a system call that cannot be interrupted. */
const abandonAfterMs = 2_000

/**
 * One thread of a pool as the host sees it.
 *
 *   starting ──module loaded──▶ idle ◀──▶ busy
 *      └──────────┬──────────────┴─────────┘
 *                 ▼ killed, crashed, idle for long, recycled
 *               ended
 */
export class WorkerSlot {
  /** Set right after the thread exists. */
  worker: Worker | undefined
  /** Ends the thread together with the task that runs in it. */
  readonly killSwitch = new KillSwitch()
  session: FrameSession | undefined
  /** How many it has begun. */
  sessions = 0
  /** When the thread was started (`performance.now`). */
  bornAt = 0
  /** When the worker was last heard of in its present session (`performance.now`). */
  progressAt = 0
  /** Frames of the sessions that are over. */
  frames = 0
  /** What the thread died of, when it said so. */
  deathCause: InvocationError | undefined
  /** Our own reason to end the thread while a frame runs; a thread that ends without one crashed. */
  endReason: 'timeout' | 'closing' | 'answered' | undefined
  /** The port's other end, for the warm-up task. */
  readonly theirPort: MessagePort
  readonly #port: MessagePort
  readonly #gone: Promise<void>
  #state: 'starting' | 'idle' | 'busy' | 'ended' = 'starting'
  #watchdog: NodeJS.Timeout | undefined

  constructor(onMessage: (slot: WorkerSlot, message: unknown) => void) {
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    this.theirPort = port2
    const gone = Promise.withResolvers<void>()
    this.#gone = gone.promise
    port1.on('message', message => onMessage(this, message))
    // The other end closes with its thread; everything posted before has been delivered by then.
    port1.on('close', () => gone.resolve())
    port1.on('messageerror', () => onMessage(this, undefined))
    port1.unref()
  }

  get state(): 'starting' | 'idle' | 'busy' | 'ended' {
    return this.#state
  }

  get isWarm(): boolean {
    return this.#state === 'idle' || this.#state === 'busy'
  }

  setState(state: 'idle' | 'busy' | 'ended'): void {
    this.#state = state
    if (state === 'ended' && this.#watchdog !== undefined) clearTimeout(this.#watchdog)
  }

  /** Hands out what the thread has posted and the event loop has not delivered yet. */
  drain(onMessage: (slot: WorkerSlot, message: unknown) => void): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port)
      if (received === undefined) return
      onMessage(this, received.message as unknown)
    }
  }

  /** Resolves when the thread is gone and all it has posted is delivered; false when it does not go. */
  async waitUntilGone(): Promise<boolean> {
    const abandon = Promise.withResolvers<false>()
    const timer = setTimeout(() => abandon.resolve(false), abandonAfterMs)
    const isGone = await Promise.race([this.#gone.then(() => true), abandon.promise])
    clearTimeout(timer)
    return isGone
  }

  /** Lets an idle worker end the connections of its bindings; resolves when it has, or takes too long. */
  async sayGoodbye(): Promise<void> {
    if (this.#state !== 'idle') return
    this.#port.postMessage(closeRequest)
    await this.waitUntilGone()
  }

  /** Hands a frame to the worker beside those that it runs. */
  join({ frame, bytes }: EncodedFrame, waiting: WaitingFrame): void {
    waiting.onBegin?.()
    this.session?.add(frame, waiting)
    // No progress: a thread that hangs would be given the time of each frame that joins. What runs has started before.
    const request: JoinRequest = { session: this.sessions, frame: bytes }
    this.#port.postMessage(request, [bytes.buffer])
  }

  /** Calls back when the worker was silent for `limitMs` in a frame. One timer serves all frames of the slot. */
  watch(limitMs: number, onSilence: (slot: WorkerSlot) => void): void {
    if (this.#watchdog !== undefined || this.#state === 'ended') return
    const check = (): void => {
      this.#watchdog = undefined
      if (this.#state !== 'busy') return
      const leftMs = this.progressAt + limitMs - performance.now()
      if (leftMs <= 0) onSilence(this)
      else this.#watchdog = setTimeout(check, Math.ceil(leftMs)).unref()
    }
    this.#watchdog = setTimeout(check, limitMs).unref()
  }

  closePort(): void {
    this.#port.close()
  }
}

/** The idle one that was used last: the others grow idle and go. */
export function latestIdle(slots: Iterable<WorkerSlot>): WorkerSlot | undefined {
  let latest: WorkerSlot | undefined
  for (const slot of slots)
    if (slot.state === 'idle' && (latest === undefined || slot.progressAt > latest.progressAt)) latest = slot
  return latest
}
