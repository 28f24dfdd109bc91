import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { startOffset, type StartQuestion } from '../../../../src/log/kafka/kafkajs/start-offset.ts'

const ends = { low: 10, end: 50 }
const ask = (question: Partial<StartQuestion> = {}): ReturnType<typeof startOffset> =>
  startOffset({
    movedTo: undefined,
    committed: undefined,
    ends,
    start: 'earliest',
    offsetAtTime: undefined,
    lastCommitted: undefined,
    truncatedAt: undefined,
    ...question,
  })

describe('startOffset', () => {
  it.each([10, 30, 50])('is the committed offset %d when the log has it', committed => {
    expect(ask({ committed, start: 'latest' })).toEqual({ position: committed, mustCommit: false, anomaly: undefined })
  })

  it('is the earliest record, and told, when retention passed the committed offset', () => {
    expect(ask({ committed: 3, start: 'latest' })).toEqual({
      position: 10,
      mustCommit: true,
      anomaly: { kind: 'expired', from: 3 },
    })
  })

  it('is the earliest record, and told, when the log ends before the committed offset', () => {
    expect(ask({ committed: 51, start: 'latest' })).toEqual({
      position: 10,
      mustCommit: true,
      anomaly: { kind: 'truncated', from: 51 },
    })
  })

  it('remembers a truncation that an earlier consumer saw, even if the committed offset looks good', () => {
    expect(ask({ committed: 30, truncatedAt: 70 })).toEqual({
      position: 10,
      mustCommit: true,
      anomaly: { kind: 'truncated', from: 70 },
    })
  })

  it('is the earliest record, and told, when Kafka forgot the offsets together with a deleted topic', () => {
    expect(ask({ lastCommitted: 30, start: 'latest' })).toEqual({
      position: 10,
      mustCommit: true,
      anomaly: { kind: 'truncated', from: 30 },
    })
    expect(ask({ lastCommitted: 30, committed: 20 })).toEqual({ position: 20, mustCommit: false, anomaly: undefined })
  })

  it('is the earliest record for the -2 that kafkajs commits when it loses its position, never the latest', () => {
    expect(ask({ committed: -2, start: 'latest' })).toMatchObject({ position: 10, mustCommit: true })
  })

  it.each([
    ['earliest' as const, undefined, 10],
    ['latest' as const, undefined, 50],
    [{ offset: 20 }, undefined, 20],
    [{ offset: 2 }, undefined, 10],
    [{ offset: 99 }, undefined, 50],
    [{ timestampMs: 1 }, 33, 33],
    [{ timestampMs: 1 }, undefined, 50],
  ])(
    'of a group without offsets that starts at %j is within the log and gets written',
    (start, offsetAtTime, position) => {
      expect(ask({ start, offsetAtTime })).toEqual({ position, mustCommit: true, anomaly: undefined })
    },
  )

  it.each([
    [5, 10],
    [20, 20],
    [99, 50],
  ])('is where the group is moved to, %d, within the log and whatever was committed', (movedTo, position) => {
    for (const committed of [undefined, -2, 3, 20, 30, 99])
      expect(ask({ movedTo, committed, lastCommitted: 40 })).toEqual({ position, mustCommit: true, anomaly: undefined })
  })

  it('is within the log, and passes over nothing that the group has not committed, without saying so', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100), fc.option(fc.nat(250), { nil: undefined }), (low, length, committed) => {
        const answer = ask({ ends: { low, end: low + length }, committed, start: 'latest' })
        expect(answer.position).toBeGreaterThanOrEqual(low)
        expect(answer.position).toBeLessThanOrEqual(low + length)
        if (committed !== undefined && answer.position > committed) expect(answer.anomaly).toBeDefined()
        if (answer.position !== committed) expect(answer.mustCommit).toBe(true)
      }),
    )
  })
})
