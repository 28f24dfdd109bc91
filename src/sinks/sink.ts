import type { EventHeader } from '../events/event-header.ts'
import type { ResultMeta } from './function-result.ts'
import type { ResultPolicy } from './result-policy.ts'

/** A handler's result as an event, ready to go out: its id is deterministic, so a repeat can be recognised. */
export interface OutgoingResult {
  readonly header: EventHeader
  readonly value: Buffer
  /** The handler's wishes that are the sink's to honour: topic, key, status, headers. */
  readonly meta: ResultMeta
  /** Header of the event that caused the result; templates such as `alerts/{subject}` read it. */
  readonly cause: EventHeader
  /** What the version that made it may reach; every sink keeps to it. */
  readonly policy: ResultPolicy
}

/** Where results go. A completed offset means that `deliver` resolved for each of its results. */
export interface Sink {
  readonly name: string
  readonly kind: 'http' | 'mqtt' | 'kafka' | 'stream'
  /** Topic, stream or host that results go to unless they say otherwise, for spans: nothing that a sender chooses. */
  readonly destination?: string
  /** Connects as far as possible; an unreachable destination is no failure here, it shows in {@link health}. */
  start(): Promise<void>
  /**
   * Resolves when the destination has acknowledged the result durably. Rejects with a SluiceError whose `retryable`
   * tells whether the same result may succeed later; bounded in time by the sink's own time-out. What the policy of the
   * result does not allow is refused for good: SLUICE_SINKS_FORBIDDEN, SLUICE_SINKS_NETWORK_POLICY.
   */
  deliver(result: OutgoingResult): Promise<void>
  health(): SinkHealth
  close(): Promise<void>
}

export interface SinkHealth {
  readonly ready: boolean
  readonly detail?: string
}
