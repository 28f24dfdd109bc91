import { crc32 } from 'node:zlib'
import { differenceOf } from '../dispatch/compare-results.ts'
import { excerptOf } from '../dispatch/result-excerpt.ts'
import type { FunctionResult } from '../sinks/function-result.ts'
import type { RecordedTriggerLine } from './capture-file.ts'

/** How an attempt of a replay ended. */
export type ReplayedOutcome =
  | { readonly kind: 'succeeded'; readonly results: readonly FunctionResult[] }
  | {
      readonly kind: 'failed'
      /** `name: message`. */
      readonly error: string
      /** Without the name of the error: dead letters have only that. */
      readonly message: string
      readonly stack?: string
    }

/**
 * - same: it does what it did, be it a result or an error;
 * - different: other results than those that were recorded;
 * - fixed: it fails no more;
 * - failed: it fails, and did not, or with another error;
 * - new: nothing was recorded to compare with.
 */
export type Verdict = 'same' | 'different' | 'fixed' | 'failed' | 'new'

export interface Comparison {
  readonly verdict: Verdict
  /** What is different, or what it does now, in words. */
  readonly detail: string
  /** What was recorded and what came now, at most 500 characters each; only where they differ. */
  readonly recorded?: string
  readonly replayed?: string
}

/** Compares what a handler does with what was recorded. Pure. */
export function compareOutcome(recorded: RecordedTriggerLine | undefined, now: ReplayedOutcome): Comparison {
  const last = recorded?.attempts.at(-1)
  if (recorded === undefined || last === undefined) {
    if (now.kind === 'failed') return { verdict: 'failed', detail: now.error, replayed: now.error }
    return { verdict: 'new', detail: excerptOf(now.results) }
  }
  if (last.outcome !== 'succeeded') {
    const before = last.error ?? 'it failed'
    if (now.kind === 'succeeded')
      return {
        verdict: 'fixed',
        detail: `it failed with ${before}`,
        recorded: before,
        replayed: excerptOf(now.results),
      }
    // What is recorded of an error is cut.
    if ([now.error, now.message].some(text => excerptOf(text) === excerptOf(before)))
      return { verdict: 'same', detail: `fails: ${before}` }
    return { verdict: 'failed', detail: `another error: ${now.error}`, recorded: before, replayed: now.error }
  }
  const before = (): string => excerptOf(resultsOf(recorded))
  if (now.kind === 'failed') return { verdict: 'failed', detail: now.error, recorded: before(), replayed: now.error }
  const difference = differenceOfResults(recorded, now.results)
  if (difference === undefined) return { verdict: 'same', detail: excerptOf(now.results) }
  return { verdict: 'different', detail: difference, recorded: before(), replayed: excerptOf(now.results) }
}

function differenceOfResults(recorded: RecordedTriggerLine, now: readonly FunctionResult[]): string | undefined {
  const count = recorded.results ?? recorded.result.length
  if (count !== now.length) return `${now.length} results instead of ${count}`
  const kept = recorded.result.length
  const before: FunctionResult[] = []
  const comparable: FunctionResult[] = []
  for (const [index, { contentType, meta, dataBytes, crc32: checksum, dataBase64 }] of recorded.result.entries()) {
    const replayed = now[index] as FunctionResult
    const data = Buffer.from(dataBase64, 'base64')
    const isWhole = data.length === dataBytes
    // The whole is not there: its length and checksum tell whether it is the same.
    const isSame = replayed.data.length === dataBytes && crc32(replayed.data) === checksum
    before.push({ contentType, meta, data: isWhole ? data : isSame ? replayed.data : data })
    comparable.push(replayed)
  }
  const difference = differenceOf(before, comparable)
  if (difference !== undefined) return difference
  return kept < count ? undefined : difference
}

function resultsOf({ result }: RecordedTriggerLine): FunctionResult[] {
  return result.map(({ contentType, meta, dataBase64 }) => ({
    ...{ contentType, meta },
    data: Buffer.from(dataBase64, 'base64'),
  }))
}
