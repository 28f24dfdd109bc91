import type { DeadLetterFilter } from '../store/dead-letters.ts'
import type { DeadLetterDeletionView, DeadLetterPage, DeadLetterView } from './views/dead-letter-view.ts'

/**
 * Dead letters. `trigger` is the name of a trigger, the uid of a deleted one that left some, or `source:<name>`. All throw
 * {SluiceError} SLUICE_API_NOT_FOUND for an unknown one, and for a letter that is not there.
 */
export interface DeadLetterControl {
  /** Newest first. */
  deadLetters(trigger: string, query: DeadLetterQuery): Promise<DeadLetterPage>
  /** With all its bytes. */
  deadLetter(trigger: string, id: number): Promise<DeadLetterView>
  /** All that match, with all their bytes, oldest first; those that come while it is read are left out. */
  exportDeadLetters(trigger: string, filter: DeadLetterFilter): Promise<AsyncIterable<DeadLetterView>>
  /** @throws {SluiceError} SLUICE_STORE_REDRIVING for one that is part of a redrive. */
  deleteDeadLetter(trigger: string, id: number): Promise<void>
  /** Those that are there when it begins. */
  deleteDeadLetters(
    trigger: string,
    filter: DeadLetterFilter,
    options: { readonly dryRun: boolean },
  ): Promise<DeadLetterDeletionView>
}

export interface DeadLetterQuery {
  readonly filter: DeadLetterFilter
  /** 1 to 500. */
  readonly limit: number
  /** Only letters with a lower id. */
  readonly before?: number
}
