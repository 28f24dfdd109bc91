import type { WhyEvent } from '../../api/views/why-view.ts'
import { messageOf } from '../../errors/sluice-error.ts'
import { decodeEventHeader } from '../../events/event-header-codec.ts'
import type { EventHeader } from '../../events/event-header.ts'
import type { EventReader } from '../../events/event-reader.ts'
import { createHomeEventReader } from '../../events/home-event-reader.ts'
import { parseTraceparent } from '../../events/traceparent.ts'
import type { LogRecord } from '../../log/log-record.ts'
import type { HeaderLog, PartitionLog } from '../../log/partition-log.ts'
import { KafkaSource } from '../../sources/kafka/source.ts'
import type { GatewayView } from '../gateway-view.ts'
import type { RecordFacts } from './event-facts.ts'

/** A stream as it can be read beside its triggers. */
export interface StreamAccess {
  readonly name: string
  readonly log: PartitionLog
  readonly reader: EventReader
  /** Whether a record that cannot become an event is skipped, by reason. */
  readonly skips: (reason: string) => boolean
  /** The log of a home stream: its partitions are chosen by the key, and its headers can be looked through. */
  readonly home: HeaderLog | undefined
}

/** A log that does not answer is told as not known. */
const patienceMs = 5_000

/** All streams, those of asynchronous invocations included. */
export function streamsOf({ streams, sources }: GatewayView): ReadonlyMap<string, StreamAccess> {
  const all = new Map<string, StreamAccess>()
  for (const source of sources.values()) {
    if (!(source instanceof KafkaSource)) continue
    const { log, reader } = source
    all.set(log.stream, { name: log.stream, log, reader, skips: reason => source.skips(reason), home: undefined })
  }
  const reader = createHomeEventReader()
  for (const { name, log } of streams.values()) all.set(name, { name, log, reader, skips: () => false, home: log })
  return all
}

/** What a log has at a place, and the record where it has one. */
export interface FoundRecord {
  readonly facts: RecordFacts
  readonly record: LogRecord | undefined
}

export async function recordAt({ log }: StreamAccess, partition: number, offset: number): Promise<FoundRecord> {
  try {
    return await soon(lookUp(log, partition, offset))
  } catch (error) {
    return { facts: { kind: 'unknown', problem: messageOf(error) }, record: undefined }
  }
}

async function lookUp(log: PartitionLog, partition: number, offset: number): Promise<FoundRecord> {
  const { low = 0, end = 0 } = (await log.ends())[partition] ?? {}
  if (offset >= end) return { facts: { kind: 'not-accepted', end }, record: undefined }
  if (offset < low) return { facts: { kind: 'expired', low }, record: undefined }
  const [record] = await log.browse(partition, offset, 1)
  if (record?.offset !== offset) return { facts: { kind: 'missing' }, record: undefined }
  return { facts: { kind: 'kept', timestampMs: record.timestampMs }, record }
}

/** Rejects when it takes too long; what was asked goes on and is forgotten. */
export async function soon<Answer>(answer: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${patienceMs / 1000} s`)), patienceMs)
    timer.unref()
  })
  // The loser of the race may fail later, when nobody waits for it any more.
  answer.catch(() => undefined)
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

type Place = Pick<WhyEvent, 'stream' | 'partition' | 'offset'>

/** What is known of an event: from its record, or from what the store keeps of it. */
export function eventViewOf(
  place: Place,
  access: StreamAccess,
  record: LogRecord | undefined,
  kept: { readonly header: Uint8Array; readonly value: Uint8Array | null } | undefined,
): WhyEvent {
  const header = headerOf(access.reader, record, kept?.header)
  const value = record === undefined ? kept?.value : record.value
  const traceparent = header?.traceparent === undefined ? undefined : parseTraceparent(header.traceparent)
  return {
    ...place,
    id: header?.id ?? null,
    source: header?.source ?? null,
    type: header?.type ?? null,
    key: header?.partitionkey ?? keyOf(access.reader, record) ?? null,
    acceptedAtMs: header?.acceptedAtMs ?? record?.timestampMs ?? null,
    traceId: traceparent?.traceId ?? null,
    dataBytes: record === undefined && kept === undefined ? null : (value?.length ?? 0),
  }
}

function headerOf(
  reader: EventReader,
  record: LogRecord | undefined,
  kept: Uint8Array | undefined,
): EventHeader | undefined {
  try {
    if (record !== undefined) return reader.header(record)
    if (kept === undefined) return undefined
    return decodeEventHeader(Buffer.from(kept.buffer, kept.byteOffset, kept.byteLength))
  } catch {
    // What cannot become an event has no attributes but its place.
    return undefined
  }
}

/** The ordering key of a record; undefined for a record that has none or cannot be read. */
export function keyOf(reader: EventReader, record: LogRecord | undefined): string | undefined {
  try {
    return record === undefined ? undefined : reader.key(record) || undefined
  } catch {
    return undefined
  }
}
