import { SluiceError } from '../errors/sluice-error.ts'
import type { RecordHeaders } from '../log/log-record.ts'

/*
 * Kafka form of a header: what one Kafka record has and its stream cannot know, byte for byte. It lives only inside a
 * frame between threads or processes of one version of Sluice and is never stored.
 *
 *   u8 0x41 | u32 partition | f64 offset | f64 timestamp | u32 key length + 1, 0 for null | key |
 *   u16 header count | per header: u16 name length | name | u32 value length | value
 */

/** First byte: bit 6 marks the Kafka form, the lower bits are its version. Home headers start with their version below 0x40. */
export const kafkaFormMark = 0x41

/** What the compact form carries of a record. */
export interface KafkaRecordParts {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly headers: RecordHeaders | null
}

const fixedBytes = 1 + 4 + 8 + 8 + 4 + 2

export function isKafkaForm(bytes: Buffer): boolean {
  return ((bytes[0] ?? 0) & 0xc0) === 0x40
}

/** Whether the Kafka form at `start` of larger bytes has record headers; false for bytes that are no such form. */
export function hasKafkaHeaders(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[start] !== kafkaFormMark || end - start < fixedBytes) return false
  const countAt = start + 25 + Math.max(0, bytes.readUInt32BE(start + 21) - 1)
  return countAt + 2 <= end && bytes.readUInt16BE(countAt) > 0
}

export function kafkaHeaderByteLength(key: Buffer | null, headers: RecordHeaders | null): number {
  let length = fixedBytes + (key === null ? 0 : key.length)
  if (headers !== null) for (const [name, value] of headers) length += 6 + Buffer.byteLength(name) + value.length
  return length
}

/** Writes the compact form at `at` and returns the end; the caller has made room for {@link kafkaHeaderByteLength}. */
export function writeKafkaHeader(record: KafkaRecordParts, target: Buffer, at: number): number {
  const { key, headers } = record
  target[at] = kafkaFormMark
  target.writeUInt32BE(record.partition, at + 1)
  target.writeDoubleBE(record.offset, at + 5)
  target.writeDoubleBE(record.timestampMs, at + 13)
  target.writeUInt32BE(key === null ? 0 : key.length + 1, at + 21)
  let end = at + 25
  if (key !== null) end += copyTo(key, target, end)
  const count = headers === null ? 0 : headers.length
  target.writeUInt16BE(count, end)
  end += 2
  if (headers === null) return end
  for (const [name, value] of headers) {
    const nameLength = target.write(name, end + 2)
    target.writeUInt16BE(nameLength, end)
    end += 2 + nameLength
    target.writeUInt32BE(value.length, end)
    end += 4
    end += copyTo(value, target, end)
  }
  return end
}

/** Keys are short; a loop beats the call into the runtime up to a few dozen bytes. */
function copyTo(from: Buffer, target: Buffer, at: number): number {
  const { length } = from
  if (length > 48) target.set(from, at)
  else for (let i = 0; i < length; i++) target[at + i] = from[i] as number
  return length
}

/**
 * Reads the compact form. Key and values are views into `bytes`.
 * @throws {SluiceError} SLUICE_EVENTS_HEADER for another version, or bytes that do not fit.
 */
export function readKafkaHeader(bytes: Buffer): KafkaRecordParts {
  if (bytes[0] !== kafkaFormMark) {
    throw unreadable(`it starts with byte ${bytes[0]}, this Sluice reads ${kafkaFormMark}`)
  }
  if (bytes.length < fixedBytes) throw unreadable('it is cut off')
  const keyLength = bytes.readUInt32BE(21)
  let at = 25 + Math.max(0, keyLength - 1)
  if (at + 2 > bytes.length) throw unreadable('its key does not fit')
  const key = keyLength === 0 ? null : bytes.subarray(25, at)
  const count = bytes.readUInt16BE(at)
  at += 2
  const headers: [string, Buffer][] = []
  for (let i = 0; i < count; i++) {
    if (at + 2 > bytes.length) throw unreadable('a header does not fit')
    const nameEnd = at + 2 + bytes.readUInt16BE(at)
    if (nameEnd + 4 > bytes.length) throw unreadable('a header does not fit')
    const valueEnd = nameEnd + 4 + bytes.readUInt32BE(nameEnd)
    if (valueEnd > bytes.length) throw unreadable('a header does not fit')
    headers.push([bytes.toString('utf8', at + 2, nameEnd), bytes.subarray(nameEnd + 4, valueEnd)])
    at = valueEnd
  }
  if (at !== bytes.length) throw unreadable(`${bytes.length - at} bytes follow it`)
  return {
    partition: bytes.readUInt32BE(1),
    offset: bytes.readDoubleBE(5),
    timestampMs: bytes.readDoubleBE(13),
    key,
    headers: count === 0 ? null : headers,
  }
}

function unreadable(message: string): SluiceError {
  return new SluiceError('SLUICE_EVENTS_HEADER', `the Kafka header of a frame cannot be read: ${message}`)
}
