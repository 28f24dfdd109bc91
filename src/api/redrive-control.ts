import type { DeadLetterFilter } from '../store/dead-letters.ts'
import type { RedrivePlanView, RedriveView } from './views/redrive-view.ts'

/**
 * Redrives: dead letters given to their own trigger again. All throw {SluiceError} SLUICE_API_NOT_FOUND for an unknown trigger
 * or redrive.
 */
export interface RedriveControl {
  /** What {@link startRedrive} would take. @throws as it does. */
  planRedrive(trigger: string, input: RedriveInput): Promise<RedrivePlanView>
  /**
   * Resolves when the redrive is durable; it goes on by itself, also after a restart.
   * @throws {SluiceError} SLUICE_STORE_NOT_REDRIVABLE for letters of a source or of a deleted trigger, and for a named letter
   *   that never was an event; SLUICE_STORE_REDRIVING for a named one that is part of another redrive;
   *   SLUICE_DISPATCH_UNRESOLVED for a version or alias that is not there.
   */
  startRedrive(trigger: string, input: RedriveInput): Promise<RedriveView>
  /** Newest first: those that run, and the last hundred that have ended. */
  redrives(trigger: string): Promise<readonly RedriveView[]>
  redrive(trigger: string, id: number): Promise<RedriveView>
  /** Takes no more letters; those under way end. Idempotent. */
  cancelRedrive(trigger: string, id: number): Promise<RedriveView>
}

export interface RedriveInput {
  /** Which letters; empty: all. With `ids` each of them has to be there. */
  readonly filter: DeadLetterFilter
  /** Letters a second; absent: as fast as the trigger takes them. */
  readonly ratePerS?: number
  /** `latest`, a number or an alias of the trigger's function; absent: what the trigger runs. */
  readonly version?: string
  /** Takes those as well whose redrives have failed too often. */
  readonly force: boolean
}
