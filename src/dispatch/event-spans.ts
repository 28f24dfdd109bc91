import { attribute } from '../telemetry/attributes.ts'
import type { ActiveSpan, SettleOperation, SpanFacts, SpanOrigin } from '../telemetry/tracer.ts'
import type { InvocationOutcome } from '../workers/invocation.ts'
import type { Delivery } from './delivery.ts'
import type { TriggerOptions } from './trigger-options.ts'

/** The part of a trigger's options that its spans are made of. */
export type SpanOptions = Pick<TriggerOptions, 'tracer' | 'log' | 'group' | 'name' | 'feed'>

/**
 * Begins the span of an attempt: from here it waits for a worker, and its handler runs within it. Attempts are siblings
 * below the event's own context, each linked to the one before. A redriven event begins a trace of its own, which is linked
 * to where it came from.
 */
export function startProcessSpan(options: SpanOptions, delivery: Delivery): void {
  const { parent, origin, begins } = placeOf(delivery)
  delivery.span = options.tracer.process(parent, options.log.stream, () => processFacts(options, delivery), origin)
  delivery.traceparent = delivery.span?.traceparent
  if (begins || parent === undefined) delivery.trace = delivery.traceparent ?? null
}

/** Begins the span of a redrive that runs no handler: what the event made before goes to the sinks. */
export function startRedeliverySpan(options: SpanOptions, delivery: Delivery): void {
  const { tracer, log } = options
  if (!tracer.enabled) return
  const { parent, origin, begins } = placeOf(delivery)
  const facts = (): SpanFacts => ({ ...eventFacts(options, delivery), [attribute.redrive]: delivery.redrive })
  delivery.span = tracer.settle('redeliver', parent, log.stream, facts, origin)
  delivery.traceparent = delivery.span?.traceparent
  if (begins) delivery.trace = delivery.traceparent ?? null
}

/** Where the next run of an event stands: below its context, linked to the attempt before; a redrive begins anew. */
function placeOf(delivery: Delivery): { parent: string | undefined; origin: SpanOrigin; begins: boolean } {
  const { failures, link, redrive, trace } = delivery
  const begins = redrive > 0 && trace === undefined
  const previous = failures?.at(-1)?.traceparent ?? link
  const origin = {
    isUndecided: isUndecided(delivery),
    ...(begins ? { isRoot: true } : undefined),
    ...(previous === undefined ? undefined : { links: [previous] }),
  }
  return { parent: contextOf(delivery) ?? (begins ? link : undefined), origin, begins }
}

/** Ends the span of an attempt. */
export function endProcessSpan({ span }: Delivery, outcome: InvocationOutcome): void {
  if (span === undefined) return
  if (outcome.kind === 'succeeded') span.end()
  else if (outcome.kind === 'not-started') span.end('not started')
  else span.end(outcome.error.message, { [attribute.errorType]: outcome.error.reason })
}

/** Begins the span of what befalls an event beside its attempts; undefined when the event is not sampled. */
export function startSettleSpan(
  operation: SettleOperation,
  options: SpanOptions,
  delivery: Delivery,
  facts?: SpanFacts,
): ActiveSpan | undefined {
  const { tracer, log } = options
  if (!tracer.enabled) return undefined
  const parent = contextOf(delivery)
  const origin = { isUndecided: isUndecided(delivery) }
  const all = (): SpanFacts => ({ ...eventFacts(options, delivery), [attribute.attempt]: delivery.attempt, ...facts })
  const span = tracer.settle(operation, parent, log.stream, all, origin)
  // The decision is made once: what begins a trace here goes on in it.
  if (parent === undefined) delivery.trace ??= span?.traceparent ?? null
  return span
}

/** What the spans of an event hang below. */
function contextOf({ trace, feed, record }: Delivery): string | undefined {
  if (trace !== undefined) return trace ?? undefined
  try {
    return feed.reader.traceparent(record)
  } catch {
    // It never was an event.
    return undefined
  }
}

/** A record of a topic may begin a trace here; what a source of ours took was decided there, and what was parked before that. */
function isUndecided({ trace, feed, sequence }: Delivery): boolean {
  return trace === undefined && sequence >= 0 && readsTopic(feed)
}

/** What knows how to carry a record over into the home form reads a topic. */
function readsTopic({ reader }: SpanOptions['feed']): boolean {
  return reader.resolve !== undefined
}

function processFacts(options: SpanOptions, delivery: Delivery): SpanFacts {
  const { target, partition, record, attempt, redrive } = delivery
  return {
    ...eventFacts(options, delivery),
    [attribute.faasName]: target?.engine.pool.version.name,
    [attribute.faasVersion]: target?.engine.pool.version.version,
    [attribute.faasTrigger]: 'pubsub',
    [attribute.faasInvocationId]: `${options.log.stream}/${partition}/${record.offset}#${attempt}`,
    [attribute.attempt]: attempt,
    [attribute.redrive]: redrive === 0 ? undefined : redrive,
  }
}

function eventFacts({ group, name, feed }: SpanOptions, delivery: Delivery): SpanFacts {
  const { record, partition } = delivery
  const isKafka = readsTopic(feed)
  const read = (wanted: string): string | undefined => {
    try {
      return delivery.feed.reader.attribute(record, wanted)
    } catch {
      return undefined
    }
  }
  const id = read('id')
  return {
    [attribute.messagingSystem]: isKafka ? 'kafka' : 'sluice',
    [attribute.messagingPartition]: String(partition),
    [isKafka ? attribute.kafkaOffset : attribute.offset]: record.offset,
    [attribute.messagingConsumerGroup]: group,
    [attribute.messagingMessageId]: id,
    [attribute.messagingBodySize]: record.value?.length ?? 0,
    [attribute.cloudEventId]: id,
    [attribute.cloudEventSource]: read('source'),
    [attribute.cloudEventType]: read('type'),
    [attribute.cloudEventSubject]: read('subject'),
    [attribute.trigger]: name,
  }
}
