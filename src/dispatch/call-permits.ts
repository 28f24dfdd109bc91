import type { CallLimits } from '../functions/function-version.ts'
import { TokenBucket } from '../log/token-bucket.ts'

/** A version that begins calls. */
export interface PermitUser {
  readonly limits: CallLimits | undefined
  /** There may be a permit for it: it should look, soon. */
  schedule(): void
}

/**
 * The calls that one function may begin on this node, whichever of its versions runs them. While versions with different
 * limits are at work the strictest of each kind counts.
 *
 * Who finds no permit waits in turn: the next one is kept for whoever waits for longest, so that no version starves
 * beside another one. Copies of shadows come last: they reserve nothing, and leave one permit for the event that comes next.
 * A timer runs only while somebody waits for a token.
 */
export class CallPermits {
  readonly #now: () => number
  readonly #users = new Set<PermitUser>()
  /** In the order in which they began to wait. */
  readonly #waiting = new Set<PermitUser>()
  /** Those that only have copies to begin. */
  readonly #waitingToCopy = new Set<PermitUser>()
  #limits: CallLimits = {}
  #bucket: TokenBucket | undefined
  #running = 0
  #timer: NodeJS.Timeout | undefined
  /** How often somebody began to wait. */
  waits = 0

  /** @param now of a clock that never jumps, in ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Those that count now. */
  get limits(): CallLimits {
    return this.#limits
  }

  get isUnused(): boolean {
    return this.#users.size === 0
  }

  join(user: PermitUser): void {
    this.#users.add(user)
    this.#changed()
  }

  /** What it has taken and not released still counts. */
  leave(user: PermitUser): void {
    this.#users.delete(user)
    this.stopWaiting(user)
    this.#changed()
  }

  /** Calls that a version may begin now; Infinity without limits. */
  free(user: PermitUser): number {
    let free = this.#unused
    if (free === Infinity) return free
    for (const other of this.#waiting) {
      if (other === user) break
      free--
    }
    return Math.max(0, free)
  }

  /** Copies that may begin now, whichever version has them. */
  get freeToCopy(): number {
    const free = this.#unused
    return free === Infinity ? free : Math.max(0, free - this.#waiting.size - 1)
  }

  /** Calls that may begin now as far as only their number at a time counts, before whoever waits. */
  get freeAtOnce(): number {
    return (this.#limits.maxConcurrency ?? Infinity) - this.#running
  }

  /**
   * A version begins calls: at most {@link free}, or more when their number is known late; then later ones wait for it.
   * @param atOnce how many of them run at a time, to be given to {@link release} as they end.
   */
  take(user: PermitUser, calls: number, atOnce: number): void {
    this.#waiting.delete(user)
    this.#waitingToCopy.delete(user)
    this.#running += atOnce
    this.#bucket?.take(calls, this.#now())
    // Who waits behind it may have found a token that was kept for it, and no reason for a timer.
    if (this.#waiting.size > 0) this.#arm()
  }

  /** @param unused calls that were taken and did not begin. */
  release(atOnce: number, unused = 0): void {
    this.#running -= atOnce
    if (unused > 0) this.#bucket?.giveBack(unused)
    this.#wake()
  }

  /** It has something to begin and found nothing free: {@link PermitUser.schedule} is called when there may be. */
  wait(user: PermitUser): void {
    this.#waitingToCopy.delete(user)
    if (!this.#waiting.has(user)) {
      // Copies wait for more tokens than one.
      if (this.#waiting.size === 0) this.#disarm()
      this.#waiting.add(user)
      this.waits++
    }
    this.#arm()
  }

  /** It only has copies to begin: it is called when there may be room for them. */
  waitToCopy(user: PermitUser): void {
    this.stopWaiting(user)
    this.#waitingToCopy.add(user)
    this.#arm()
  }

  /** It has nothing to begin, or lacks something else than a permit: none is kept for it. */
  stopWaiting(user: PermitUser): void {
    const hadPlace = this.#waiting.delete(user)
    if (!this.#waitingToCopy.delete(user) && !hadPlace) return
    if (hadPlace) this.#wake()
    if (this.#waiting.size + this.#waitingToCopy.size === 0) this.#disarm()
  }

  /** What a version waits for, `limited to 10/s`; undefined when it does not wait. */
  reason(user: PermitUser): string | undefined {
    if (!this.#waiting.has(user)) return undefined
    const { maxConcurrency, ratePerSecond } = this.#limits
    if (maxConcurrency !== undefined && (ratePerSecond === undefined || this.#running >= maxConcurrency))
      return `limited to ${maxConcurrency} at once`
    return ratePerSecond === undefined ? undefined : `limited to ${ratePerSecond}/s`
  }

  /** How long until so many more calls could begin; undefined while that depends on when calls end. */
  waitMs(calls: number): number | undefined {
    const { maxConcurrency = Infinity } = this.#limits
    if (this.#running >= maxConcurrency || this.#bucket === undefined) return undefined
    return this.tokenWaitMs(calls)
  }

  /** How long until the rate permits so many more calls; 0 without one. */
  tokenWaitMs(calls: number): number {
    return this.#bucket?.waitMs(this.#now(), calls) ?? 0
  }

  get #unused(): number {
    const free = this.freeAtOnce
    return this.#bucket === undefined ? free : Math.min(free, this.#bucket.available(this.#now()))
  }

  #changed(): void {
    this.#limits = strictest([...this.#users].map(({ limits }) => limits))
    const { ratePerSecond, burst } = this.#limits
    if (ratePerSecond === undefined) this.#bucket = undefined
    else if (this.#bucket === undefined) this.#bucket = new TokenBucket({ ratePerSecond, burst }, this.#now())
    else this.#bucket.change({ ratePerSecond, burst }, this.#now())
    this.#disarm()
    this.#wake()
  }

  #wake(): void {
    for (const user of this.#waiting) user.schedule()
    for (const user of this.#waitingToCopy) user.schedule()
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#bucket === undefined) return
    const { burst = Infinity } = this.#limits
    const tokens = this.#waiting.size > 0 ? 1 : 2
    if (tokens > burst) return
    const waitMs = this.#bucket.waitMs(this.#now(), tokens)
    if (waitMs === 0) {
      // The token came after it was looked for: nothing else would tell.
      if (this.freeAtOnce >= tokens) this.#wake()
      return
    }
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#wake()
      },
      Math.min(Math.ceil(waitMs), longestTimerMs),
    )
  }

  #disarm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

/** A timer that is set for longer than 2^31 ms fires at once; one that looks again before has only looked once too often. */
const longestTimerMs = 60_000

/** The least of each limit. A burst belongs to its rate: where two rates are equal, the smaller burst counts. */
export function strictest(all: readonly (CallLimits | undefined)[]): CallLimits {
  let maxConcurrency = Infinity
  let ratePerSecond = Infinity
  let burst = Infinity
  for (const limits of all) {
    maxConcurrency = Math.min(maxConcurrency, limits?.maxConcurrency ?? Infinity)
    const rate = limits?.ratePerSecond ?? Infinity
    const size = limits?.burst ?? Math.max(1, rate)
    if (rate < ratePerSecond) burst = size
    else if (rate === ratePerSecond) burst = Math.min(burst, size)
    ratePerSecond = Math.min(ratePerSecond, rate)
  }
  return {
    ...(maxConcurrency === Infinity ? {} : { maxConcurrency }),
    ...(ratePerSecond === Infinity ? {} : { ratePerSecond, burst }),
  }
}
