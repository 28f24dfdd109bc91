import type { HomeStore } from '../store/home-store.ts'
import type { Feed } from '../workers/invocation.ts'
import type { Delivery, DeliveryOwner } from './delivery.ts'
import type { Hold } from './hold.ts'
import type { Lane } from './lane.ts'

/** Everything that the parked keys of one trigger need. */
export interface ParkedKeysOptions {
  /** Its uid. */
  readonly trigger: string
  readonly stream: string
  readonly store: HomeStore
  readonly owner: DeliveryOwner
  /** Feed of stored events: their headers are in the home form, whatever the stream's records look like. */
  readonly feed: Feed
  readonly now: () => number
  /** At most once: events leave the store, durably, before they run. Default false. */
  readonly takesFirst?: boolean
  /** Why an event is not to be taken out now. */
  readonly holdOf?: (delivery: Delivery) => Hold | undefined
  /** Events that were being taken out of the store are. */
  readonly onTaken?: () => void
  /** An event is back in memory. */
  readonly onUnparked?: (delivery: Delivery) => void
  /** Default 20,000. */
  readonly maxKeys?: number | undefined
  /** A parked key may run again. */
  readonly onReady: (lane: Lane) => void
  readonly onBlocked: (problem: string | undefined) => void
}
