import type { EventReader } from '../events/event-reader.ts'
import type { LogRecord } from '../log/log-record.ts'
import type { FunctionResult } from '../sinks/function-result.ts'

/** What all events of one trigger have in common; sent once per frame, compared by identity. */
export interface Feed {
  /** Name of the trigger; '' for a direct (synchronous) invocation. */
  readonly trigger: string
  readonly stream: string
  readonly reader: EventReader
  /** What `decodeHeader` of the worker needs to expand compact headers; plain JSON. */
  readonly headerDefaults: Readonly<Record<string, unknown>>
}

/**
 * One event on its way through a worker. The pool reads these fields while it encodes a frame and calls `settle`
 * exactly once; dispatch's delivery object implements it, so that nothing is allocated per event.
 */
export interface Invocation {
  readonly feed: Feed
  readonly record: LogRecord
  readonly partition: number
  /** 1 for the first try. */
  readonly attempt: number
  /** Fencing token: the assignment's epoch; `context.epoch`. */
  readonly epoch: number
  /** Context of the sampled process span, which the handler sees as the active span; undefined when not sampled. */
  readonly traceparent: string | undefined
  /**
   * Whether the event shares its ordering key with the one before it in the frame: such runs are executed in sequence,
   * and the first failure returns the rest of the run as `not-started`.
   */
  readonly followsPrevious: boolean
  /**
   * Of batch handlers: a part of an earlier call that failed as a whole. Only events of the same part share a call; those
   * without one share theirs with others that have none. Absent: none.
   */
  readonly part?: BatchPart | undefined
  /** It may have ended a worker: no other event may be in the one that runs it. Such an event is a frame of its own. */
  readonly alone?: boolean
  /** What the handler and its log lines call the invocation. Absent: stream, partition, offset and attempt name it. */
  readonly invocationId?: string
  settle(outcome: InvocationOutcome): void
}

/** Events that are called together, and with no other, after a larger call of them failed; known by its identity. */
export interface BatchPart {
  /** How many they are at most. */
  readonly events: number
}

/** How one attempt ended. */
export type InvocationOutcome =
  | {
      readonly kind: 'succeeded'
      /** What the handler returned and emitted, in order; usually empty or one. */
      readonly results: readonly FunctionResult[]
      readonly durationMs: number
    }
  | {
      readonly kind: 'failed'
      readonly error: InvocationError
      readonly durationMs: number
      /** It certainly ended the thread or process that ran it. */
      readonly endedHost?: true
    }
  /** Was in a call of several events that failed as a whole: it runs again as part of a smaller one, uncharged. */
  | {
      readonly kind: 'batch-failed'
      readonly error: InvocationError
      readonly durationMs: number
      readonly part: BatchPart
    }
  /**
   * Did not run, or ran innocently: its worker was ended for another event, or its batch had failed before it. Uncharged.
   * `interrupted`: a handler may have had it, which matters to what must not be run twice.
   */
  | { readonly kind: 'not-started'; readonly interrupted?: true }
  /** Its worker died and it cannot be told whether this event did it: to be run alone, uncharged. */
  | { readonly kind: 'suspect'; readonly error: InvocationError }

export interface InvocationError {
  readonly reason: 'error' | 'timeout' | 'crash' | 'out-of-memory' | 'bad-result' | 'result-too-large' | 'load'
  readonly name: string
  /** At most 4 KiB. */
  readonly message: string
  /** At most 16 KiB, with source positions mapped where a source map is at hand. */
  readonly stack?: string
}
