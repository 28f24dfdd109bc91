import type { TriggerDefinition } from '../registry/registry-records.ts'
import type { PauseInput } from './pause-control.ts'
import type { Precondition, Put } from './precondition.ts'
import type { LeaseView } from './views/lifetime-view.ts'
import type { TriggerView } from './views/trigger-view.ts'
import type { DropView } from './views/drop-view.ts'
import type { SeekView } from './views/seek-view.ts'
import type { NamePage } from './views/view-schema.ts'

/**
 * Triggers. All of them throw {SluiceError} SLUICE_API_NOT_FOUND for an unknown trigger; changes throw as those of
 * {@link FunctionControl} do.
 */
export interface TriggerControl {
  /** Sorted by name. */
  triggers(query: TriggerQuery): Promise<NamePage<TriggerView>>
  trigger(name: string): Promise<TriggerView>
  /**
   * @throws {SluiceError} SLUICE_REGISTRY_INVALID for a stream, function, version, alias or sink that is not there, for a
   *   change that needs another trigger (stream, start), and for what the function's role forbids.
   */
  putTrigger(name: string, input: TriggerInput, precondition: Precondition): Promise<Put<TriggerView>>
  /** Its dead letters stay. */
  deleteTrigger(name: string, precondition: Precondition): Promise<void>
  /**
   * Resolves when the pause is durable and no invocation of the trigger starts any more. Idempotent: a second pause
   * keeps the first one's `sinceMs`.
   */
  pauseTrigger(name: string, pause: PauseInput): Promise<TriggerView>
  /** Resolves when the resumption is durable. Idempotent. */
  resumeTrigger(name: string): Promise<TriggerView>
  /**
   * Moves the place where a paused trigger goes on: forward, and what lies between never runs, or back, and it runs again.
   * Events that are parked stay, and run when the trigger is resumed. Resolves when the new place is durable.
   * @throws {SluiceError} SLUICE_DISPATCH_NOT_PAUSED; SLUICE_DISPATCH_PLACE for a trigger of the gateway;
   *   SLUICE_LOG_OUT_OF_RANGE for a partition or an offset that the log does not have; SLUICE_LOG_UNAVAILABLE and those of
   *   Kafka when a Kafka group could not be moved.
   */
  seekTrigger(name: string, seek: SeekInput): Promise<SeekView>
  /**
   * Makes dead letters of the parked events of a paused trigger, or of a key of it that is paused or whose trigger is. They do
   * not run, unless they are redriven. Resolves when that is durable.
   * @throws {SluiceError} SLUICE_DISPATCH_NOT_PAUSED; SLUICE_DISPATCH_PLACE for a trigger of the gateway; SLUICE_STORE_WRITE:
   *   some may be dead letters, and the rest stays parked.
   */
  dropParked(name: string, drop: DropInput): Promise<DropView>
  /**
   * Renews a function, a trigger, or both together: they expire `expiresAfterMs` from now.
   * @throws {SluiceError} SLUICE_FUNCTIONS_NOT_FOUND, SLUICE_API_NOT_FOUND; SLUICE_REGISTRY_INVALID for one that does not
   *   expire.
   */
  renew(lease: LeaseInput): Promise<LeaseView>
}

export interface TriggerQuery {
  /** Only triggers of this function. */
  readonly function?: string
  /** 1 to 1,000. */
  readonly limit: number
  /** Only names after this one. */
  readonly after?: string
}

export interface SeekInput {
  readonly to: SeekTarget
  /** Only tells what would be moved. */
  readonly dryRun: boolean
}

export interface DropInput {
  /** Only the events of this key. */
  readonly key?: string
  /** Who does not want them. */
  readonly by: string
  /** Only tells how many there are. */
  readonly dryRun: boolean
}

/** `end`: only what arrives from now on. */
export type SeekTarget =
  'start' | 'end' | { readonly timestampMs: number } | { readonly partition: number; readonly offset: number }

export interface TriggerInput {
  readonly definition: TriggerDefinition
  /** Deleted after this time unless it is renewed; absent: kept. */
  readonly expiresAfterMs?: number
}

/** At least one of function and trigger. */
export interface LeaseInput {
  readonly function?: string
  readonly trigger?: string
  readonly expiresAfterMs: number
}
