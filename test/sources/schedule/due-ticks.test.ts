import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCron, type CronSchedule } from '../../../src/config/cron-schedule.ts'
import {
  decideDueTicks,
  maxMissedTicks,
  missedAfterMs,
  type MissedPolicy,
} from '../../../src/sources/schedule/due-ticks.ts'

/** A tick every so many ms, told by arithmetic alone. */
const every = (intervalMs: number): CronSchedule => ({
  after: timeMs => (Math.floor(timeMs / intervalMs) + 1) * intervalMs,
  lastUntil: (timeMs, count) => {
    const lastMs = Math.floor(timeMs / intervalMs) * intervalMs
    return Array.from({ length: count }, (_, index) => lastMs - (count - 1 - index) * intervalMs)
  },
})

const policies = fc.constantFrom<MissedPolicy>('skip', 'last', 'all')
const intervals = fc.constantFrom(1_000, 7_000, 60_000, 3_600_000)
const times = fc.integer({ min: 0, max: 10_000_000_000 })

describe('decideDueTicks', () => {
  it('gives only ticks after the last one and up to now, ascending, none twice', () => {
    fc.assert(
      fc.property(intervals, times, times, policies, (intervalMs, lastMs, nowMs, policy) => {
        const { ticks, nextMs } = decideDueTicks(every(intervalMs), lastMs, nowMs, policy)
        let beforeMs = lastMs
        for (const tickMs of ticks) {
          expect(tickMs).toBeGreaterThan(beforeMs)
          expect(tickMs).toBeLessThanOrEqual(nowMs)
          expect(tickMs % intervalMs).toBe(0)
          beforeMs = tickMs
        }
        expect(nextMs).toBe((Math.floor(Math.max(lastMs, nowMs) / intervalMs) + 1) * intervalMs)
      }),
    )
  })

  it('treats ticks of the last minute alike under every policy, and the missed ones by theirs', () => {
    fc.assert(
      fc.property(intervals, times, fc.integer({ min: 0, max: 20_000_000 }), (intervalMs, lastMs, passedMs) => {
        const nowMs = lastMs + passedMs
        const expected: number[] = []
        for (let tickMs = every(intervalMs).after(lastMs)!; tickMs <= nowMs; tickMs += intervalMs) expected.push(tickMs)
        const missed = expected.filter(tickMs => nowMs - tickMs > missedAfterMs)
        const current = expected.slice(missed.length)
        const decide = (policy: MissedPolicy) => decideDueTicks(every(intervalMs), lastMs, nowMs, policy).ticks
        expect(decide('skip')).toEqual(current)
        expect(decide('last')).toEqual([...missed.slice(-1), ...current])
        expect(decide('all')).toEqual([...missed.slice(-maxMissedTicks), ...current])
      }),
    )
  })

  it('fires no tick twice however the clock jumps', () => {
    fc.assert(
      fc.property(
        intervals,
        policies,
        fc.array(fc.integer({ min: 0, max: 100_000_000 }), { maxLength: 20 }),
        (intervalMs, policy, clock) => {
          const fired: number[] = []
          let lastMs = 50_000_000
          for (const nowMs of clock) {
            const { ticks } = decideDueTicks(every(intervalMs), lastMs, nowMs, policy)
            fired.push(...ticks)
            lastMs = ticks.at(-1) ?? lastMs
          }
          expect(new Set(fired).size).toBe(fired.length)
        },
      ),
    )
  })

  it('makes up for the newest thousand of a year of missed seconds without walking through them', () => {
    const lastMs = Date.parse('2025-06-01T00:00:00Z')
    const nowMs = Date.parse('2026-06-01T00:00:00Z')
    const second = parseCron('* * * * * *', 'UTC')
    const all = decideDueTicks(second, lastMs, nowMs, 'all').ticks
    expect(all).toHaveLength(maxMissedTicks + 61)
    expect(all.at(-1)).toBe(nowMs)
    expect(all[0]).toBe(nowMs - (maxMissedTicks + 60) * 1_000)
    expect(decideDueTicks(second, lastMs, nowMs, 'last').ticks).toHaveLength(62)
  })

  it('says when no tick comes any more', () => {
    const never: CronSchedule = { after: () => undefined, lastUntil: () => [] }
    for (const policy of ['skip', 'last', 'all'] as const)
      expect(decideDueTicks(never, 0, 10_000_000, policy)).toEqual({ ticks: [], nextMs: undefined })
  })
})
