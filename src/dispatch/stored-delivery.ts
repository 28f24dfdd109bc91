import { encodeEventHeader, headerTag, readHeaderField } from '../events/event-header-codec.ts'
import type { LogRecord } from '../log/log-record.ts'
import type { ParkedEvent } from '../store/home-store.ts'
import { isLone } from '../store/parked-key.ts'
import type { Feed } from '../workers/invocation.ts'
import { Delivery, type DeliveryOwner, type FailedAttempt } from './delivery.ts'
import type { Lane } from './lane.ts'
import { decodeResults } from './recorded-results.ts'

/** A parked event as it is run: with its attempts, and in no offset tracker. */
export function deliveryOf(row: ParkedEvent, owner: DeliveryOwner, lane: Lane, feed: Feed): Delivery {
  const header = bufferOf(row.header)
  // Without ordering an event is parked under a name of its own; the key that it has all the same is in its header.
  const key = isLone(row.key, row.offset) ? readHeaderField(header, headerTag.partitionkey) : row.key
  const record: LogRecord = {
    offset: row.offset,
    timestampMs: row.timestampMs,
    key: key === undefined ? null : Buffer.from(key),
    value: row.value === null ? null : bufferOf(row.value),
    header,
    headers: null,
  }
  const delivery = new Delivery(owner, lane, feed, record, row.partition, 0, -1)
  delivery.attempt = row.attempt
  delivery.wantedVersion = row.version
  delivery.trace = row.trace
  delivery.redrive = row.redrive ?? 0
  delivery.link = row.link
  const failures = JSON.parse(row.failures) as FailedAttempt[]
  if (failures.length > 0) delivery.failures = failures
  if (row.recorded !== undefined) delivery.recorded = decodeResults(row.recorded)
  return delivery
}

/** The event of a delivery as it is parked, under a key that may be a name of its own. What a redrive wants stands in the store already. */
export function parkedEventOf(
  { record, feed, attempt, failures, trace }: Delivery,
  place: Pick<ParkedEvent, 'trigger' | 'stream' | 'partition' | 'key'>,
  dueAtMs: number,
): ParkedEvent {
  return {
    ...place,
    offset: record.offset,
    header: encodeEventHeader(feed.reader.header(record)),
    value: record.value,
    timestampMs: record.timestampMs,
    attempt,
    failures: JSON.stringify(failures ?? []),
    ...(typeof trace === 'string' ? { trace } : undefined),
    dueAtMs,
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
