import type { ScheduleSourceConfig } from '../../config/sections/schedule-source.ts'
import type { EventHeader } from '../../events/event-header.ts'
import type { IncomingEvent } from '../source.ts'

/** RFC 3339 in UTC; ticks are whole seconds. */
export const tickTime = (tickMs: number): string => new Date(tickMs).toISOString().replace('.000Z', 'Z')

/**
 * Makes the events of a schedule source: their id is `<source>/<tick>`, so that the same tick is the same event whenever
 * and however often it is made. They share one key, so that a trigger runs them one after the other.
 */
export function createTickEvent(
  source: string,
  config: Pick<ScheduleSourceConfig, 'data' | 'eventType' | 'subject'>,
): (tickMs: number, nowMs: number) => IncomingEvent {
  const { data, eventType, subject } = config
  const value = data === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(data))
  const fixed = {
    source: `/sources/${source}`,
    type: eventType,
    ...(subject === undefined ? {} : { subject }),
    ...(data === undefined ? {} : { datacontenttype: 'application/json' }),
    partitionkey: source,
    hops: 0,
  }
  return (tickMs, nowMs) => {
    const time = tickTime(tickMs)
    const id = `${source}/${time}`
    const header: EventHeader = { id, ...fixed, time, dedupId: id, acceptedAtMs: nowMs }
    return { header, value }
  }
}
