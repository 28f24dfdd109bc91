import { traceFields } from '../telemetry/logger.ts'
import type { Delivery } from './delivery.ts'

/**
 * What every line of the gateway's log says about an attempt of an event, in the words in which lines of its function do.
 * @param attempt default: the one that runs or comes next.
 */
export function attemptFacts(delivery: Delivery, attempt = delivery.attempt) {
  const { partition, record, maker, feed } = delivery
  return {
    trigger: feed.trigger,
    ...(maker === undefined ? {} : { function: maker.name, version: maker.version }),
    partition,
    offset: record.offset,
    invocation: `${feed.stream}/${partition}/${record.offset}#${attempt}`,
    ...traceFields(delivery.traceparent ?? traceOfEvent(delivery)),
  }
}

/** The last attempt that ran; the count is beyond it when nothing more is to follow. */
export function lastAttempt({ failures, attempt }: Delivery): number {
  return failures?.findLast(({ stage }) => stage === 'handler')?.attempt ?? attempt
}

function traceOfEvent({ feed, record }: Delivery): string | undefined {
  try {
    return feed.reader.traceparent(record)
  } catch {
    // A record that is no event has no trace either; a line of the log is no place to fail for it.
    return undefined
  }
}
