import { SluiceError } from '../errors/sluice-error.ts'
import type { PauseRecord } from '../store/home-store.ts'

/** A part of a trigger that can be paused by itself. */
export type PausedPart =
  | { readonly kind: 'partition'; readonly partition: number }
  /** In every partition, because a Kafka-backed stream may have it in several. */
  | { readonly kind: 'key'; readonly key: string }

/** Why events of a trigger do not start although nothing is wrong with them: somebody has paused what they belong to. */
export type Hold =
  | { readonly kind: 'trigger'; readonly pause: PauseRecord }
  | (PausedPart & { readonly pause: PauseRecord })
  | {
      readonly kind: 'version'
      readonly function: string
      /** `latest` or a published number. */
      readonly version: string
      readonly pause: PauseRecord
    }

/** In words, such as `key customer-7 is paused: broken firmware (ada)`. */
export function describeHold(hold: Hold): string {
  const { reason, by } = hold.pause
  return `${subjectOf(hold)} is paused: ${reason} (${by})`
}

export function pausedError(name: string, version: string, pause: PauseRecord): SluiceError {
  return new SluiceError('SLUICE_FUNCTIONS_PAUSED', describeHold({ kind: 'version', function: name, version, pause }))
}

function subjectOf(hold: Hold): string {
  switch (hold.kind) {
    case 'trigger':
      return 'the trigger'
    case 'partition':
      return `partition ${hold.partition}`
    case 'key':
      return `key ${hold.key}`
    case 'version':
      return `function ${hold.function}@${hold.version}`
  }
}
