import { messageOf } from '../errors/sluice-error.ts'
import type { PauseRecord } from '../store/home-store.ts'
import type { InvocationOutcome } from '../workers/invocation.ts'
import { Breaker, type AttemptEnd, type BreakerPolicy, type BreakerState } from './breaker.ts'
import type { TriggerGate } from './trigger-gate.ts'
import type { TriggerOptions } from './trigger-options.ts'

/** Makes durable what a breaker decides. */
export interface BreakerKeeper {
  /** Resolves when the pause is durable; a person's pause stays in its place. */
  opened(pause: PauseRecord): Promise<void>
  /** Ends the pause durably, unless a person has paused the trigger meanwhile, and resumes the trigger. */
  closed(): Promise<void>
}

export interface BreakerStatus {
  readonly state: BreakerState
  /** Attempts in the window, and those of them that failed. */
  readonly attempts: number
  readonly failures: number
  /** How often it has opened since the trigger was built, by probes that failed as well. */
  readonly openings: number
  /** When probing is due, by the wall clock. */
  readonly probeAtMs: number | undefined
}

/** Who has paused the trigger, as people see it. */
export const breakerName = 'breaker'

/** What stands behind the reason of the opening once probing has failed. */
const probesMark = '; probing has failed '

/** Pause between two tries to make the end of a pause durable. */
const closeAgainMs = 1_000

/** The longest error that a reason repeats. */
const maxErrorLength = 300

/**
 * The circuit breaker of a trigger at work; it decides as breaker.ts says. An opening holds at once and is made durable; the
 * pause stays durable through the probes, so that whoever dies in between comes back open, and ends only when it is durable
 * that it ended. It acts on pauses of its own alone: while a person has paused the trigger it does not even count.
 */
export class TriggerBreaker {
  readonly #options: Pick<TriggerOptions, 'name' | 'logger' | 'now'>
  readonly #policy: BreakerPolicy
  readonly #keeper: BreakerKeeper
  readonly #gate: TriggerGate
  readonly #running: () => number
  readonly #breaker: Breaker
  #timer: NodeJS.Timeout | undefined
  #openings = 0
  #lastError = 'unknown'
  #isStopped = false

  /** @param running events in frames: probes start when what was under way has ended, so that its end is not taken for theirs. */
  constructor(
    options: Pick<TriggerOptions, 'name' | 'logger' | 'now'>,
    { policy, keeper }: { readonly policy: BreakerPolicy; readonly keeper: BreakerKeeper },
    gate: TriggerGate,
    running: () => number,
  ) {
    this.#options = options
    this.#policy = policy
    this.#keeper = keeper
    this.#gate = gate
    this.#running = running
    this.#breaker = new Breaker(policy)
  }

  get isClosed(): boolean {
    return this.#breaker.state === 'closed' && this.#ownPause === undefined
  }

  /** Probes that may start now. */
  get room(): number {
    return this.#breaker.room
  }

  get status(): BreakerStatus {
    const { state, attempts, failures, probeAtMs } = this.#breaker
    return {
      // Until the end of the pause is durable, nothing but the last probe is over.
      state: state === 'closed' && !this.isClosed ? 'half-open' : state,
      attempts,
      failures,
      openings: this.#openings,
      probeAtMs: probeAtMs === undefined ? undefined : Math.ceil(this.#options.now() + probeAtMs - performance.now()),
    }
  }

  /** The pause that the trigger is to start with. */
  preset(pause: PauseRecord | undefined): void {
    if (pause?.failedProbes !== undefined) this.#restore(pause.failedProbes)
  }

  /** Somebody has paused the trigger, or the keeper has carried out what the breaker decided. */
  paused({ failedProbes }: PauseRecord): void {
    if (failedProbes === undefined) this.#reset()
    else if (this.#breaker.state === 'closed') this.#restore(failedProbes)
  }

  /** The trigger goes on, whoever has said so. */
  resumed(): void {
    this.#reset()
  }

  started(): void {
    this.#breaker.started()
  }

  /** An attempt came back, and what follows from it for its event is done. */
  ended(outcome: InvocationOutcome): void {
    const own = this.#ownPause
    if (this.#gate.pauseRecord === undefined || own !== undefined) {
      if (outcome.kind === 'failed') this.#lastError = shorten(outcome.error.message)
      const change = this.#breaker.ended(endOf(outcome), performance.now())
      if (change === 'opened') this.#opened(own)
      else if (change === 'closed') void this.#close()
    }
    if (this.#running() === 0) this.#probe()
  }

  /** Probing is due now, if it is open. */
  hasten(): void {
    this.#breaker.hasten()
    this.#probe()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  /** The pause in force, if a breaker has made it. */
  get #ownPause(): PauseRecord | undefined {
    const { pauseRecord } = this.#gate
    return pauseRecord?.failedProbes === undefined ? undefined : pauseRecord
  }

  #opened(own: PauseRecord | undefined): void {
    const { name, logger, now } = this.#options
    this.#openings++
    const { failedProbes, attempts, failures } = this.#breaker
    const window = this.#policy.windowMs >= 1_000 ? `${this.#policy.windowMs / 1_000} s` : `${this.#policy.windowMs} ms`
    const times = failedProbes === 1 ? 'once' : `${failedProbes} times`
    const reason =
      own === undefined
        ? `${failures} of ${attempts} attempts failed within ${window}: ${this.#lastError}`
        : `${own.reason.split(probesMark, 1)[0]}${probesMark}${times}: ${this.#lastError}`
    const pause = { reason, by: breakerName, sinceMs: own?.sinceMs ?? now(), failedProbes }
    // Nothing more starts from here on; whoever dies before it is durable comes back closed, and opens again.
    void this.#gate.pause(pause)
    this.#arm()
    logger.warn({ trigger: name, failedProbes }, `the circuit breaker has paused trigger ${name}: ${reason}`)
    this.#keeper.opened(pause).catch((error: unknown) => {
      logger.error(
        { trigger: name, err: error },
        `the pause of trigger ${name} by its circuit breaker could not be kept: ${messageOf(error)}`,
      )
    })
  }

  /** The probes have succeeded: the trigger goes on when that is durable. */
  async #close(): Promise<void> {
    const { name, logger } = this.#options
    try {
      await this.#keeper.closed()
    } catch (error) {
      logger.error({ trigger: name, err: error }, `trigger ${name} could not be resumed: ${messageOf(error)}`)
    }
    if (this.#isStopped) return
    if (this.#ownPause === undefined) {
      if (this.#gate.pauseRecord === undefined)
        logger.info({ trigger: name }, `the circuit breaker has resumed trigger ${name}: its probes succeeded`)
    } else if (this.#breaker.state === 'closed') this.#timer = setTimeout(() => void this.#close(), closeAgainMs)
  }

  #restore(failedProbes: number): void {
    this.#breaker.restore(failedProbes, performance.now())
    this.#arm()
  }

  #reset(): void {
    clearTimeout(this.#timer)
    this.#breaker.reset()
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const { probeAtMs } = this.#breaker
    if (probeAtMs === undefined || this.#isStopped) return
    // A timer may come a millisecond early.
    this.#timer = setTimeout(() => this.#due(), Math.max(1, Math.ceil(probeAtMs - performance.now())))
  }

  #due(): void {
    const { probeAtMs } = this.#breaker
    if (probeAtMs !== undefined && performance.now() < probeAtMs) this.#arm()
    else this.#probe()
  }

  #probe(): void {
    if (this.#isStopped || this.#ownPause === undefined || this.#running() > 0) return
    if (this.#breaker.probe(performance.now())) this.#gate.probe()
  }
}

/**
 * An attempt counts when it certainly was the handler's, and failed or succeeded. What a sink does not take is none of them,
 * nor is what had to leave with another event.
 */
function endOf({ kind }: InvocationOutcome): AttemptEnd {
  return kind === 'succeeded' || kind === 'failed' ? kind : 'unclear'
}

function shorten(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim()
  return line.length > maxErrorLength ? `${line.slice(0, maxErrorLength - 1)}…` : line
}
