import { describe, expect, it } from 'vitest'
import { headersOf, recordsOf } from '../../../../src/log/kafka/kafkajs/fetched-record.ts'

const messageOf = (offset: string, headers: Record<string, unknown> = {}) => ({
  offset,
  timestamp: '1700000000000',
  key: Buffer.from('k'),
  value: null,
  headers,
})

describe('recordsOf', () => {
  it('gives records from an offset on, as a log does', () => {
    const records = recordsOf(3, [messageOf('7'), messageOf('8', { h: Buffer.from('v') })], 8)
    expect(records).toHaveLength(1)
    const { offset, timestampMs, key, value, header, headers } = records[0]!
    expect({ offset, timestampMs, key, value, header, headers }).toEqual({
      offset: 8,
      timestampMs: 1_700_000_000_000,
      key: Buffer.from('k'),
      value: null,
      header: null,
      headers: [['h', Buffer.from('v')]],
    })
  })
})

describe('headersOf', () => {
  it('flattens repeats and keeps a header without a value as an empty one', () => {
    expect(headersOf({ a: [Buffer.from('1'), Buffer.from('2')], b: null })).toEqual([
      ['a', Buffer.from('1')],
      ['a', Buffer.from('2')],
      ['b', Buffer.alloc(0)],
    ])
  })

  it('leaves out what kafkajs takes from Object.prototype for a header of such a name', () => {
    const decoded = { constructor: [Object, Buffer.from('v')], toString: [Object.prototype.toString, Buffer.from('w')] }
    expect(headersOf(decoded)).toEqual([
      ['constructor', Buffer.from('v')],
      ['toString', Buffer.from('w')],
    ])
  })
})
