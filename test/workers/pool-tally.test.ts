import { describe, expect, it } from 'vitest'
import { PoolTally } from '../../src/workers/pool-tally.ts'
import type { ChunkSummary } from '../../src/workers/result-codec.ts'

const summary = (cpuMs: number, busyMs: number, handlerMs: number): ChunkSummary =>
  ({ cpuMs, busyMs, handlerMs }) as ChunkSummary

const shareOf = (...summaries: readonly ChunkSummary[]): number | undefined => {
  const tally = new PoolTally()
  for (const one of summaries) tally.told(one)
  return tally.cpuShare
}

describe('the share of CPU time', () => {
  it('is that of the time of all handlers, which adds up while they wait side by side', () => {
    expect(shareOf(summary(1, 10, 100))).toBe(0.01)
  })

  it('is taken of everything since the last reading', () => {
    expect(shareOf(summary(0, 0, 60), summary(1, 10, 40))).toBe(0.01)
  })

  it('is that of the frame when its handlers took less time than the frame around them', () => {
    expect(shareOf(summary(9, 10, 2))).toBe(0.9)
  })

  it('follows a reading the more, the more handler time it covers', () => {
    const after = (handlerMs: number) => shareOf(summary(10, 10, 10), summary(0, 10, handlerMs)) as number
    expect(after(1_000)).toBeLessThan(after(20) / 5)
    expect(after(20)).toBeLessThan(1)
  })
})
