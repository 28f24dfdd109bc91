import type { FunctionResult, ResultMeta } from '../sinks/function-result.ts'
import type { ParkedEvent } from '../store/home-store.ts'

/** A result of an invocation some of whose results did not go out. */
export interface RecordedResult extends FunctionResult {
  /** Names of the sinks that have acknowledged it; absent: none has. */
  readonly sentTo?: readonly string[]
}

/** What an event made before a sink refused it for good: that is delivered, and no handler is run. */
export interface RecordedResults {
  /** Function and version that made them. */
  readonly name: string
  readonly version: string
  /** All of them: their places are part of their ids. */
  readonly results: readonly RecordedResult[]
}

/** A result with the sinks that have it. Results of a worker are views, so they are not spread. */
export function sentTo({ meta, contentType, data }: FunctionResult, sinks: readonly string[]): RecordedResult {
  return { meta, contentType, data, sentTo: sinks }
}

/** As dead letters keep them, see {@link decodeResults}. */
export function encodeResults(results: readonly RecordedResult[]): string {
  return JSON.stringify(
    results.map(({ meta, contentType, data, sentTo }) => ({
      ...{ meta, contentType, data: data.toString('base64') },
      ...(sentTo === undefined || sentTo.length === 0 ? {} : { sentTo }),
    })),
  )
}

export function decodeResults({ function: ref, results }: NonNullable<ParkedEvent['recorded']>): RecordedResults {
  const at = ref.lastIndexOf('@')
  const decoded = JSON.parse(results) as readonly EncodedResult[]
  return {
    ...{ name: ref.slice(0, at), version: ref.slice(at + 1) },
    results: decoded.map(({ data, ...result }) => ({ ...result, data: Buffer.from(data, 'base64') })),
  }
}

interface EncodedResult {
  readonly meta: ResultMeta
  readonly contentType: string
  readonly data: string
  readonly sentTo?: readonly string[]
}
