import type { RecordHeaders } from '../../log-record.ts'
import type { KafkaRecord } from '../kafka-client.ts'
import type { DecodedMessage } from './kafkajs-internals.ts'

const NO_HEADERS: RecordHeaders = []
const NO_BYTES = Buffer.alloc(0)

/**
 * One record of a fetch. Thousands of them wait at a time, so it keeps what a record is made of and not the decoded
 * message, whose strings and fields the garbage collector would have to move along.
 */
class FetchedRecord implements KafkaRecord {
  readonly offset: number
  readonly partition: number
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  declare readonly header: null
  /** As kafkajs decoded them, until they are asked for. */
  #decoded: DecodedMessage['headers'] | undefined
  #headers: RecordHeaders = NO_HEADERS

  constructor(partition: number, offset: number, message: DecodedMessage) {
    this.partition = partition
    this.offset = offset
    this.timestampMs = Number(message.timestamp)
    this.key = message.key
    this.value = message.value
    this.#decoded = isEmpty(message.headers) ? undefined : message.headers
  }

  get headers(): RecordHeaders {
    if (this.#decoded !== undefined) {
      this.#headers = headersOf(this.#decoded)
      this.#decoded = undefined
    }
    return this.#headers
  }
}
// On the prototype: it is null for all of them, and a field would cost a store per record.
Object.defineProperty(FetchedRecord.prototype, 'header', { value: null, enumerable: true })

/** The messages of a partition from offset `from` on. */
export function recordsOf(partition: number, messages: readonly DecodedMessage[], from: number): KafkaRecord[] {
  const records: KafkaRecord[] = []
  for (const message of messages) {
    const offset = Number(message.offset)
    if (offset >= from) records.push(new FetchedRecord(partition, offset, message))
  }
  return records
}

/**
 * kafkajs gathers headers in a plain object: repeats of a name come together, and for a name that every object inherits
 * ("constructor") the inherited value comes first, so everything that is not bytes is left out. A header without a value
 * is one with an empty value.
 */
export function headersOf(decoded: Readonly<Record<string, unknown>>): RecordHeaders {
  const headers: (readonly [string, Buffer])[] = []
  for (const name of Object.keys(decoded)) {
    const value = decoded[name]
    if (Buffer.isBuffer(value)) headers.push([name, value])
    else if (value === null) headers.push([name, NO_BYTES])
    else if (Array.isArray(value))
      for (const each of value) {
        if (Buffer.isBuffer(each)) headers.push([name, each])
        else if (each === null) headers.push([name, NO_BYTES])
      }
  }
  return headers.length === 0 ? NO_HEADERS : headers
}

function isEmpty(decoded: object): boolean {
  for (const _name in decoded) return false
  return true
}
