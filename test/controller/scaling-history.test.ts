import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  keptMs,
  pointIntervalMs,
  ScalingHistory,
  type ScalingEvent,
  type ScalingPoint,
} from '../../src/controller/scaling-history.ts'

const startMs = Date.UTC(2026, 0, 5)
const idle = { workers: 0, busy: 0, waiting: 0, arrivalsPerS: 0, completedPerS: 0 }
const busy = { workers: 2, busy: 2, waiting: 40, arrivalsPerS: 10, completedPerS: 9 }

const event = (atMs: number, name = 'fn', version = 'latest'): ScalingEvent => ({
  ...{ atMs, function: name, version, from: 0, to: 1, reason: '0→1: the first event waits' },
})

beforeEach(() => {
  vi.useFakeTimers({ now: startMs, toFake: ['Date'] })
})

afterEach(() => {
  vi.useRealTimers()
})

describe('the history of scaling', () => {
  it('gives decisions newest first, of one function or version', () => {
    const history = new ScalingHistory()
    history.decided(event(startMs - 3_000, 'a'))
    history.decided(event(startMs - 2_000, 'b', '1'))
    history.decided(event(startMs - 1_000, 'b', '2'))
    expect(history.events().map(({ atMs }) => startMs - atMs)).toEqual([1_000, 2_000, 3_000])
    expect(history.events({ function: 'b' })).toHaveLength(2)
    expect(history.events({ function: 'b', version: '1' })).toHaveLength(1)
    expect(history.events({ fromMs: startMs - 2_000 })).toHaveLength(2)
  })

  it('forgets what is older than an hour', () => {
    const history = new ScalingHistory()
    history.decided(event(startMs - keptMs - 1))
    history.decided(event(startMs - keptMs + 1))
    expect(history.events()).toHaveLength(1)
    history.observed('fn', 'latest', { ...busy, atMs: startMs - keptMs - 1 })
    history.observed('fn', 'latest', { ...busy, atMs: startMs })
    expect(history.series()[0]?.points).toHaveLength(1)
  })

  it('stays bounded, however much is decided', () => {
    const history = new ScalingHistory()
    for (let index = 0; index < 50_000; index++) history.decided(event(startMs + index / 1000))
    expect(history.events().length).toBeLessThanOrEqual(12_500)
    expect(history.events()[0]?.atMs).toBe(startMs + 49.999)
  })

  it('keeps a point per interval, and nothing of a version that has nothing to do', () => {
    const history = new ScalingHistory()
    for (let atMs = 0; atMs < 60_000; atMs += 500) {
      history.observed('works', 'latest', { ...busy, atMs: startMs + atMs })
      history.observed('rests', 'latest', { ...idle, atMs: startMs + atMs })
    }
    const [series, ...others] = history.series()
    expect(others).toEqual([])
    expect(series?.points).toHaveLength(60_000 / pointIntervalMs)
  })

  it('draws the same line as all points would, whatever the load', () => {
    const loads = fc.array(fc.constantFrom(idle, busy), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(loads, load => {
        const history = new ScalingHistory()
        const all = load.map((point, index): ScalingPoint => ({ ...point, atMs: startMs + index * pointIntervalMs }))
        for (const point of all) history.observed('fn', '1', point)
        const kept = history.series()[0]?.points ?? []
        const first = all.findIndex(({ workers }) => workers > 0)
        // Between two kept points that lie at zero everything lay at zero, and nothing else was left out.
        for (const [index, point] of all.entries()) {
          if (first === -1 || index < first || kept.some(({ atMs }) => atMs === point.atMs)) continue
          const after = kept.findIndex(({ atMs }) => atMs > point.atMs)
          expect([point.workers, kept[after - 1]?.workers, kept[after]?.workers]).toEqual([0, 0, 0])
        }
        expect(kept.at(-1)?.atMs).toBe(first === -1 ? undefined : all.at(-1)?.atMs)
      }),
    )
  })

  it('goes on after a clock that was set back', () => {
    const history = new ScalingHistory()
    history.observed('fn', '1', { ...busy, atMs: startMs })
    history.observed('fn', '1', { ...busy, atMs: startMs - 600_000 })
    history.observed('fn', '1', { ...busy, atMs: startMs - 600_000 + pointIntervalMs })
    expect(history.series()[0]?.points).toHaveLength(3)
  })
})
