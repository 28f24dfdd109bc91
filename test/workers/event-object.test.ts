import { describe, expect, it } from 'vitest'
import { createKafkaEventReader, type KafkaEventReaderOptions } from '../../src/events/kafka-event-reader.ts'
import type { LogRecord } from '../../src/log/log-record.ts'
import { HandlerEvent } from '../../src/workers/event-object.ts'
import { encodeFrame, FrameReader } from '../../src/workers/frame-codec.ts'

/** The event that a handler gets of a Kafka record that is read in place. */
function eventOf(options: Partial<KafkaEventReaderOptions>, fields: Partial<LogRecord>): HandlerEvent {
  const settings = { topic: 'orders', tombstones: 'skip' as const, ...options }
  const record: LogRecord = {
    offset: 7, partition: 1, timestampMs: 1000, key: Buffer.from('k'), value: Buffer.from('{"a":1}'), header: null, headers: null, ...fields,
  } // prettier-ignore
  const feed = { trigger: 't', stream: 's', reader: createKafkaEventReader(settings), headerDefaults: { ...settings } }
  const invocation = { feed, record, partition: 1, attempt: 1, epoch: 1, traceparent: undefined, followsPrevious: false, settle() {} } // prettier-ignore
  const bytes = encodeFrame([invocation], { high: 1, low: 2 }, false)
  const frame = new FrameReader(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength)
  return new HandlerEvent(frame, frame.head(0))
}

describe('the data of a Kafka record', () => {
  it('is JSON when neither the record nor the mapping names a content type', () => {
    expect(eventOf({}, {}).data).toEqual({ a: 1 })
    expect(eventOf({}, { key: null }).data).toEqual({ a: 1 })
    expect(eventOf({}, { headers: [['x', Buffer.from('y')]] }).data).toEqual({ a: 1 })
  })

  it('follows the content type that the mapping fixes for the stream', () => {
    const options = { mapping: { datacontenttype: 'text/plain' } }
    expect(eventOf(options, {}).data).toBe('{"a":1}')
    expect(eventOf(options, { key: null, headers: [['x', Buffer.from('y')]] }).data).toBe('{"a":1}')
  })

  it('follows the content type of the record, and a default of the mapping where the record has none', () => {
    expect(eventOf({}, { headers: [['content-type', Buffer.from('text/plain')]] }).data).toBe('{"a":1}')
    const options = { mapping: { datacontenttype: { header: 'kind', default: 'text/plain' } } }
    expect(eventOf(options, {}).data).toBe('{"a":1}')
    expect(eventOf(options, { headers: [['kind', Buffer.from('application/json')]] }).data).toEqual({ a: 1 })
  })

  it('is the same whether the other attributes were asked for before or not', () => {
    const event = eventOf({ mapping: { datacontenttype: 'text/plain' } }, {})
    expect(event.id).toBe('orders/1/7')
    expect(event.datacontenttype).toBe('text/plain')
    expect(event.data).toBe('{"a":1}')
  })
})
