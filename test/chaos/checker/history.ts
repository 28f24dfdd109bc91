/**
 * What happened, as seen from outside of the gateway: by its senders, by the function under test and by whoever killed
 * it. Times are microseconds of the machine's monotonic clock, which all its processes share.
 */
export interface History {
  readonly sent: ReadonlyMap<string, SentEvent>
  /** In the order in which they were written down, which is the order in which they ended. */
  readonly runs: readonly Run[]
  readonly deadLetters: readonly EventIdentity[]
  readonly interruptions: readonly Interruption[]
  readonly pauses: readonly PauseSpan[]
  /** Lines of the run journal that cannot be read. */
  readonly unreadable: number
}

/** An event of an experiment; `sequence` counts within its key, in the order of sending. */
export interface EventIdentity {
  readonly id: string
  readonly key: string
  readonly sequence: number
}

/**
 * What its sender knows in the end. `acknowledged`: told that it is durable, at least once. `refused`: told that it was
 * not taken, every time. `unknown`: no answer to one sending at least, and no acknowledgement of another.
 */
export type SentOutcome = 'acknowledged' | 'refused' | 'unknown'

export interface SentEvent extends EventIdentity {
  readonly outcome: SentOutcome
  /** Sendings that may each have left a copy: those without an answer, and the one that was acknowledged. */
  readonly copies: number
}

/** One run of the function that came to its end; a killed one leaves nothing. */
export interface Run extends EventIdentity {
  readonly attempt: number
  readonly startUs: number
  readonly endUs: number
  /** `failed`: the handler threw; the event is not done by it. */
  readonly outcome: 'done' | 'failed'
}

/** The gateway was ended, and was ready again; `readyUs` is absent when it was not meant to be. */
export interface Interruption {
  readonly atUs: number
  readonly readyUs?: number
  /** It finished what it had begun and said so: nothing may repeat because of it. */
  readonly isClean?: boolean
}

/** From the confirmation of a pause to the request that ended it. */
export interface PauseSpan {
  readonly fromUs: number
  readonly toUs: number
}

/** The machine's monotonic clock, in microseconds since it was started. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}
