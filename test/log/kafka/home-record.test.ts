import { describe, expect, it } from 'vitest'
import { HOME_HEADER, homeRecordOf, outgoingOf } from '../../../src/log/kafka/home-record.ts'
import type { KafkaRecord } from '../../../src/log/kafka/kafka-client.ts'

const record = { key: Buffer.from('k'), header: Buffer.from([1, 2, 255]), value: Buffer.from('v') }
const storedAs = (headers: KafkaRecord['headers']): KafkaRecord => ({
  offset: 7,
  timestampMs: 1_000,
  key: record.key,
  value: record.value,
  header: null,
  headers,
})

describe('a home record on Kafka', () => {
  it('carries its event header in one Kafka header, before those for other consumers', () => {
    expect(outgoingOf(record, () => [['ce_id', Buffer.from('1')]])).toEqual({
      key: record.key,
      value: record.value,
      headers: [
        [HOME_HEADER, record.header],
        ['ce_id', Buffer.from('1')],
      ],
    })
  })

  it('comes back as it was appended', () => {
    expect(homeRecordOf(storedAs(outgoingOf(record).headers))).toEqual({
      offset: 7,
      timestampMs: 1_000,
      ...record,
      headers: null,
    })
  })

  it('of another writer stays a Kafka record, so that it is judged and not lost', () => {
    const foreign = storedAs([['ce_id', Buffer.from('1')]])
    expect(homeRecordOf(foreign)).toBe(foreign)
  })
})
