import type { FunctionVersion } from '../functions/function-version.ts'
import type { PoolTally } from './pool-tally.ts'
import type { WorkerSlot } from './worker-slot.ts'

/** Faster functions get frames of several rounds, which end soon: a message for each few events would cost more. */
const joinFromMs = 4

/** Of a core: a thread that computes more has no time for others. Overlapping calls would look as if they waited. */
const fullShare = 0.9

const defaultMaxFrames = 100_000

/** Knows which busy workers another frame may join, and how many events it may have. */
export class SessionRoom {
  /** Frames after which a worker is replaced. */
  readonly maxFrames: number
  readonly #version: FunctionVersion
  readonly #tally: PoolTally

  constructor(version: FunctionVersion, tally: PoolTally, maxFrames = defaultMaxFrames) {
    this.maxFrames = maxFrames
    this.#version = version
    this.#tally = tally
  }

  /**
   * Events that a worker can have at once; 0 unless calls of the function mostly wait, so that others can begin meanwhile.
   * No more than fill its core: more would only take longer, up to their time limit.
   */
  get #mostAtOnce(): number {
    const { serviceTimeMs = 0, handlerMs, cpuMs, cpuShare = 1 } = this.#tally
    const { batch, concurrency } = this.#version
    if (batch !== undefined || serviceTimeMs < joinFromMs || cpuShare > fullShare) return 0
    const fill = Math.floor(handlerMs / Math.max(cpuMs, 0.001))
    return fill < 2 ? 0 : Math.min(concurrency, fill)
  }

  /** Events; none in a worker that is to go, and none where it has to be known exactly what an event does. */
  in({ session, endReason, frames }: WorkerSlot): number {
    if (session === undefined || session.isLast || session.isClosed || endReason !== undefined) return 0
    const isOld = frames + session.count >= this.maxFrames
    return isOld ? 0 : Math.max(0, this.#mostAtOnce - session.open)
  }

  /** The worker with most room that is not left out; undefined when there is none. */
  most(slots: Iterable<WorkerSlot>, isLeftOut: (slot: WorkerSlot) => boolean): WorkerSlot | undefined {
    if (this.#mostAtOnce === 0) return undefined
    let found: WorkerSlot | undefined
    let most = 0
    for (const slot of slots) {
      const room = this.in(slot)
      if (room <= most || isLeftOut(slot)) continue
      found = slot
      most = room
    }
    return found
  }
}
