import type { RecentEventPage } from './views/recent-event-view.ts'

export interface RecentEventsControl {
  /**
   * What happened to events, newest first.
   * @throws {SluiceError} SLUICE_API_NOT_FOUND for a trigger, stream or partition that is not known, and for an event that
   *   was asked for and is nowhere.
   */
  recentEvents(query: RecentEventsQuery): Promise<RecentEventPage>
}

export interface RecentEventsQuery {
  readonly wanted:
    | { readonly kind: 'place'; readonly place: { stream: string; partition: number; offset: number } }
    | { readonly kind: 'id' | 'key' | 'trace'; readonly value: string }
    | { readonly kind: 'newest' }
  readonly stream?: string
  readonly trigger?: string
  /** Only events with a failed attempt, a failed sink or a dead letter. */
  readonly failed: boolean
  readonly fromMs?: number
  readonly toMs?: number
  readonly before?: number
  readonly limit: number
  /** Newest events of each stream that are looked through for what the index does not have. */
  readonly search: number
  /** Whether the events themselves are told. */
  readonly data: boolean
}
