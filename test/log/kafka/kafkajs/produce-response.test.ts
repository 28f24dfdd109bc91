import { describe, expect, it } from 'vitest'
import { acknowledgedOffset } from '../../../../src/log/kafka/kafkajs/produce-response.ts'

const entry = { topicName: 't', partition: 3, errorCode: 0, baseOffset: '42' }

describe('acknowledgedOffset', () => {
  it('is the base offset of exactly one good entry for the partition', () => {
    expect(acknowledgedOffset([entry], 't', 3)).toBe(42)
    expect(acknowledgedOffset([{ ...entry, baseOffset: '0' }], 't', 3)).toBe(0)
  })

  it.each([
    ['nothing', undefined],
    ['no entry: the broker that had to answer was lost', []],
    ['two entries', [entry, entry]],
    ['another topic', [{ ...entry, topicName: 'u' }]],
    ['another partition', [{ ...entry, partition: 2 }]],
    ['an error', [{ ...entry, errorCode: 7 }]],
    ['no error code', [{ ...entry, errorCode: undefined }]],
    ['no offset, as for acks 0', [{ ...entry, baseOffset: '-1' }]],
    ['an offset that is not a string', [{ ...entry, baseOffset: 42 }]],
    ['an empty offset', [{ ...entry, baseOffset: '' }]],
    ['an offset beyond safe integers', [{ ...entry, baseOffset: '9007199254740993' }]],
  ])('does not take %s for an acknowledgement', (_, response) => {
    expect(acknowledgedOffset(response, 't', 3)).toBeUndefined()
  })
})
