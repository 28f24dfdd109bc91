import type { Delivery } from './delivery.ts'
import type { TriggerOptions } from './trigger-options.ts'

/** Begins the span of an attempt: from here it waits for a worker, and its handler runs within it. */
export function startProcessSpan({ tracer, log, group, name }: TriggerOptions, delivery: Delivery): void {
  const { record, feed, target } = delivery
  const facts = {
    'messaging.destination.partition.id': String(delivery.partition),
    'kafka.offset': record.offset,
    'messaging.consumer.group.name': group,
    'faas.name': target?.engine.pool.version.name,
    'faas.version': target?.engine.pool.version.version,
    'sluice.trigger': name,
    'sluice.attempt': delivery.attempt,
  }
  // A record of a topic may begin a trace here; what a source of ours took was decided there.
  delivery.span = tracer.process(feed.reader.traceparent(record), log.stream, facts, record.header === null)
  delivery.traceparent = delivery.span?.traceparent
}
