import type { FunctionVersion } from '../functions/function-version.ts'
import type { PoolTally } from './pool-tally.ts'
import type { WorkerSlot } from './worker-slot.ts'

/** Faster functions get frames that end soon anyway: a message for each few events would cost more. */
const joinFromMs = 1

/** Of its time: a thread that is active for more has none for others. */
const fullShare = 0.9

const defaultMaxFrames = 100_000

/** After that time nothing joins any worker, so that what has to be alone gets the first that is free. */
const suspectWaitsMs = 1_000

/** Which workers nothing should join. */
export interface Leaving {
  /** So many are busy beyond what is permitted. */
  readonly surplus: number
  /** Since when something waits that has to be alone (`performance.now`): one worker is kept for it. */
  readonly suspectSinceMs: number | undefined
  /** It gets a successor. */
  readonly expiring: WorkerSlot | undefined
}

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
   * No more than fill its thread: more would only take longer, up to their time limit. What counts is the event loop, not
   * CPU time: calls that wait for a core, or block the thread, look as if others could begin.
   */
  get #mostAtOnce(): number {
    const { serviceTimeMs = 0, recentHandlerMs, recentActiveMs, loopShare = 1 } = this.#tally
    const { batch, concurrency } = this.#version
    if (batch !== undefined || serviceTimeMs < joinFromMs || loopShare > fullShare) return 0
    const fill = Math.floor(recentHandlerMs / Math.max(recentActiveMs, 0.001))
    return fill < 2 ? 0 : Math.min(concurrency, fill)
  }

  /**
   * Events; none in a worker that is to go, none where it has to be known exactly what an event does, and none before the
   * worker has taken what joined it last: a thread that hangs shall not be filled with what it cannot begin.
   */
  in({ session, endReason, frames }: WorkerSlot): number {
    if (session === undefined || session.isLast || session.isClosed || session.hasUntaken) return 0
    const isOld = frames + session.count >= this.maxFrames
    return isOld || endReason !== undefined ? 0 : Math.max(0, this.#mostAtOnce - session.open)
  }

  /** The worker with most room, of those that are not left to end their sessions; undefined when there is none. */
  most(slots: Iterable<WorkerSlot>, { surplus, suspectSinceMs, expiring }: Leaving): WorkerSlot | undefined {
    const isUrgent = suspectSinceMs !== undefined && performance.now() - suspectSinceMs > suspectWaitsMs
    if (isUrgent || this.#mostAtOnce === 0) return undefined
    // Those with the fewest events end first.
    const ending = surplus + (suspectSinceMs === undefined ? 0 : 1)
    const open = ({ session }: WorkerSlot): number => session?.open ?? 0
    const busy = [...slots].filter(({ session }) => session !== undefined).sort((a, b) => open(a) - open(b))
    return busy.slice(ending).find(slot => slot !== expiring && this.in(slot) > 0)
  }
}
