import type { HeaderTemplate } from '../events/event-header-codec.ts'
import type { PauseRecord } from '../store/home-store.ts'
import type { EventHeader } from '../events/event-header.ts'

/**
 * Where events come from. A source answers its sender only after the event is durable.
 *
 *   stopped ──start()──▶ starting ──▶ running ⇄ impaired (its peer is away; it retries) ──stop()──▶ stopped
 *                                        └──pause()──▶ paused: refuses, or leaves events where they come from ──resume()──▶ running
 */
export type SourceState = 'stopped' | 'starting' | 'running' | 'impaired' | 'paused'

export interface Source {
  readonly name: string
  readonly kind: 'http' | 'mqtt' | 'kafka' | 'schedule'
  readonly state: SourceState
  start(): Promise<void>
  /** Refuses new events at once, finishes the accepted ones, then closes. */
  stop(): Promise<void>
  /**
   * Takes nothing more; resolves when what was under way is settled. What pushes is refused (HTTP 503; an MQTT client is
   * disconnected), what is fetched stays where it is (an external broker, a topic), and what falls due is missed (ticks).
   * Also before `start`, and through stops.
   */
  pause(pause: PauseRecord): Promise<void>
  resume(): Promise<void>
  stats(): SourceStats
}

export interface SourceStats {
  readonly state: SourceState
  readonly accepted: number
  readonly duplicates: number
  /** Refused, by reason: 'invalid', 'signature', 'full', 'too-large', … */
  readonly refused: Readonly<Record<string, number>>
  readonly detail?: string
}

/** An event as a source has made it, not yet durable. */
export interface IncomingEvent {
  readonly header: EventHeader
  readonly value: Buffer
  /** The header but for its id and accept time, encoded before. Whoever changes the header leaves it away. */
  readonly template?: HeaderTemplate
}

/** Where an accepted event lies. */
export interface Acceptance {
  readonly partition: number
  readonly offset: number
  /** It was known by its deduplication id; partition and offset are those of the first. */
  readonly duplicate: boolean
}

/** The way from a source into its home stream: deduplicates, partitions, appends. Resolves only when all are durable. */
export interface StreamIntake {
  readonly stream: string
  /** @throws {SluiceError} SLUICE_LOG_FULL, SLUICE_LOG_UNAVAILABLE…: none of them may be acknowledged. */
  accept(events: readonly IncomingEvent[]): Promise<readonly Acceptance[]>
}
