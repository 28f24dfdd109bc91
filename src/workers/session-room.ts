import type { FunctionVersion } from '../functions/function-version.ts'
import type { PoolTally } from './pool-tally.ts'
import type { WorkerSlot } from './worker-slot.ts'

/** Faster functions get frames of several rounds, which end soon: a message for each few events would cost more. */
const joinFromMs = 4

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

  /** Whether calls of the function mostly wait, so that others can begin meanwhile. */
  get #waits(): boolean {
    const { serviceTimeMs = 0, handlerMs, cpuMs } = this.#tally
    return this.#version.batch === undefined && serviceTimeMs >= joinFromMs && handlerMs > 2 * cpuMs
  }

  /** Events; none in a worker that is to go, and none where it has to be known exactly what an event does. */
  in({ session, endReason, frames }: WorkerSlot): number {
    if (session === undefined || session.isLast || session.careful || endReason !== undefined || !this.#waits) return 0
    return frames + session.count < this.maxFrames ? Math.max(0, this.#version.concurrency - session.open) : 0
  }

  /** The worker with most room, but not `except`; undefined when there is none. */
  most(slots: Iterable<WorkerSlot>, except: WorkerSlot | undefined): WorkerSlot | undefined {
    if (!this.#waits) return undefined
    let found: WorkerSlot | undefined
    let most = 0
    for (const slot of slots) {
      const room = this.in(slot)
      if (room <= most || slot === except) continue
      found = slot
      most = room
    }
    return found
  }
}
