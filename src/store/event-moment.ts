/** Where an event stands. */
export interface EventPosition {
  readonly stream: string
  readonly partition: number
  readonly offset: number
}

/** One result of an attempt, as far as it is kept. */
export interface KeptResult {
  readonly contentType: string
  readonly meta: object
  /** Length of the whole. */
  readonly dataBytes: number
  /** CRC-32 of the whole. */
  readonly crc32: number
  /** At most {@link maxResultBytes}: what is longer is cut, and known by its length and checksum. */
  readonly data: Uint8Array
}

/** Bytes that are kept of one result, and of all results of one attempt. */
export const maxResultBytes = 4 * 1024
export const maxResultsBytes = 16 * 1024

export interface AttemptMoment {
  readonly kind: 'attempt'
  readonly attempt: number
  /** `name@version`. */
  readonly version: string
  readonly outcome: 'succeeded' | 'failed' | 'batch-failed' | 'suspect'
  readonly durationMs: number
  readonly reason?: string
  readonly error?: string
  /** Of the span of the attempt, where it is sampled. */
  readonly traceparent?: string
  /** How many there are; fewer may be kept. */
  readonly resultCount: number
  readonly results: readonly KeptResult[]
}

export interface SinkMoment {
  readonly kind: 'sink'
  readonly sink: string
  readonly attempts: number
  readonly durationMs: number
  /** Absent: the sink has it. */
  readonly error?: string
}

/** Its key is blocked, or it waits alone for its next attempt: it is in the store. */
export interface ParkedMoment {
  readonly kind: 'parked'
}

export interface DoneMoment {
  readonly kind: 'done'
  /** Why it is a dead letter; absent: it is none. */
  readonly deadLetter?: { readonly stage: string; readonly reason: string; readonly message: string }
}

/** One thing that happened to an event in a trigger. */
export type EventMoment = EventPosition & {
  /** When it ended; wall clock. */
  readonly atMs: number
  /** Time of the record. */
  readonly recordMs: number
  readonly trigger: string
  /** The header of the event in its home form; the first moment of an event that this process keeps has it. */
  readonly header?: Uint8Array
} & (AttemptMoment | SinkMoment | ParkedMoment | DoneMoment)
