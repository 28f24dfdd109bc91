import { describe, expect, it } from 'vitest'
import {
  cpuBound,
  ioBound,
  mixedLoad,
  rampLoad,
  spikeLoad,
  squareLoad,
  steadyLoad,
  stepLoad,
} from '../../../src/controller/simulation/load-shapes.ts'
import type { Behaviour, Load } from '../../../src/controller/simulation/load.ts'
import { simulate } from '../../../src/controller/simulation/simulate.ts'
import type { FunctionResult } from '../../../src/controller/simulation/simulation-result.ts'
import type { ScalingPolicy } from '../../../src/functions/function-version.ts'

const policy: ScalingPolicy = { minWorkers: 0, maxWorkers: 32, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000 }
const of = (durationMs: number, behaviour: Behaviour = ioBound, name = 'fn') => ({
  durationMs,
  behaviour,
  function: name,
})

function only(load: Load, given: ScalingPolicy = policy, options = {}): FunctionResult {
  const [result] = simulate(load, given, options).functions
  return result as FunctionResult
}

/** Mean over a series from a time on. */
function mean({ series }: FunctionResult, value: 'cores' | 'workers' | 'lag', fromMs = 0): number {
  const points = series.filter(({ atMs }) => atMs > fromMs)
  return points.reduce((sum, point) => sum + point[value], 0) / points.length
}

describe('simulate', () => {
  it('gives the same for the same seed, and something else for another', () => {
    const load = stepLoad(100, 400, 10_000, of(30_000))
    expect(simulate(load, policy)).toEqual(simulate(load, policy))
    expect(simulate(load, policy, { seed: 2 })).not.toEqual(simulate(load, policy))
  })

  it('loses no event and makes none up', () => {
    const { summary } = only(spikeLoad(50, 5_000, [5_000, 10_000], of(60_000, { ...ioBound, keys: 20 })))
    const unfinished = summary.arrived - summary.succeeded - summary.failed
    expect(summary.arrived).toBeGreaterThan(25_000)
    expect(unfinished).toBeGreaterThanOrEqual(summary.lagAtEnd)
    expect(unfinished - summary.lagAtEnd).toBeLessThan(300)
  })

  it('gives every scaler the same arrivals', () => {
    const load = steadyLoad(200, 0.1, of(20_000))
    const fixed = only(load, { ...policy, minWorkers: 8, maxWorkers: 8 })
    expect(only(load).series.map(({ arrivalsPerS }) => arrivalsPerS)).toEqual(
      fixed.series.map(({ arrivalsPerS }) => arrivalsPerS),
    )
  })

  it('tells of a load without a change no answer to one', () => {
    expect(only(steadyLoad(50, 0, of(10_000))).summary.change).toBeUndefined()
  })
})

describe('the controller in simulation', () => {
  it.each([1, 2, 3])(
    'resizes at most twice in ten minutes of steady load ±10 % after the first 30 s (seed %i)',
    seed => {
      for (const perS of [150, 1_000]) {
        const { summary } = only(steadyLoad(perS, 0.1, of(600_000), seed), policy, { seed })
        expect(summary.resizesAfter30S).toBeLessThanOrEqual(2)
      }
    },
  )

  it.each([1, 2, 3, 4])('answers a tenfold step within 3 s, with at most a quarter too many (seed %i)', seed => {
    for (const behaviour of [ioBound, { ...ioBound, concurrency: 1 }, { ...ioBound, variation: 'constant' as const }]) {
      const { change } = only(stepLoad(100, 1_000, 60_000, of(180_000, behaviour)), policy, { seed }).summary
      expect(change?.reactionMs).toBeLessThan(1_000)
      expect(change?.settledMs).toBeLessThan(3_000)
      expect(change?.overshoot).toBeLessThanOrEqual(0.25)
    }
  })

  it('resizes at most once in 30 s of a square wave of 5 s', () => {
    const { decisions } = only(squareLoad(200, 2_000, 5_000, of(300_000)))
    const later = decisions.filter(({ atMs }) => atMs > 30_000)
    expect(later.length).toBeLessThanOrEqual(9)
  })

  it('holds while the lag is unknown, and goes on when it is known again', () => {
    const load = stepLoad(500, 20, 20_000, of(180_000))
    const unknown: Load = {
      ...load,
      functions: load.functions.map(fn => ({ ...fn, lagUnknown: [[15_000, 120_000]] as const })),
    }
    const { series } = only(unknown)
    const during = series.filter(({ atMs }) => atMs > 16_000 && atMs < 120_000).map(({ desired }) => desired)
    expect(new Set(during).size).toBe(1)
    expect(during[0]).toBeGreaterThan(1)
    expect(series.at(-1)?.desired).toBe(1)
  })

  it('goes to zero after the idle time and back at the first event, without a tick', () => {
    const idle = stepLoad(20, 0, 10_000, of(120_000))
    const { series } = only(idle, { ...policy, scaleToZeroAfterMs: 20_000 })
    expect(series.at(-1)?.workers).toBe(0)
    const { summary } = only(stepLoad(0, 5, 30_000, of(60_000)), { ...policy, scaleToZeroAfterMs: 0 })
    expect(summary.longestDelayMs).toBeLessThan(100)
  })

  it('takes growth back that what the function calls cannot use', () => {
    const bound = { ...ioBound, downstreamPerS: 400 }
    const result = only(stepLoad(100, 1_000, 30_000, of(240_000, bound)))
    const { decisions, summary } = result
    expect(decisions.some(({ reason }) => reason.includes('bring'))).toBe(true)
    expect(mean(result, 'workers', 120_000)).toBeLessThan(6)
    // And nothing is lost by it: it does what its callee bears.
    expect(summary.succeeded).toBeGreaterThan(400 * 200)
  })

  it('shares the cores by weight among those that compute', () => {
    const flood = (name: string) => steadyLoad(1_000, 0, of(120_000, cpuBound, name))
    const { functions } = simulate(mixedLoad('floods', [flood('a'), flood('b'), flood('c')]), name => ({
      ...policy,
      weight: name === 'a' ? 2 : 1,
    }))
    const [a = 0, b = 0, c = 0] = functions.map(result => mean(result, 'cores', 40_000))
    expect(a + b + c).toBeGreaterThan(1.9)
    for (const [share, part] of [[a, 1] as const, [b, 0.5] as const, [c, 0.5] as const]) {
      expect(Math.abs(share / part - 1)).toBeLessThan(0.15)
    }
  })

  it('lets one that computes disturb those that wait little', () => {
    const { functions } = simulate(
      mixedLoad('mixed', [
        steadyLoad(1_000, 0, of(120_000, cpuBound, 'floods')),
        steadyLoad(500, 0, of(120_000, ioBound, 'waits')),
        steadyLoad(30, 0, of(120_000, cpuBound, 'modest')),
      ]),
      policy,
    )
    const [floods, waits, modest] = functions as [FunctionResult, FunctionResult, FunctionResult]
    expect(mean(floods, 'cores', 40_000)).toBeGreaterThan(1.2)
    expect(waits.summary.lagAtEnd).toBeLessThan(50)
    expect(modest.summary.lagAtEnd).toBeLessThan(50)
  })

  it('keeps the warm minimum of a window while it is open', () => {
    const window = {
      days: ['mon' as const],
      from: '08:00',
      to: '08:02',
      timezone: 'UTC',
      minWorkers: 4,
    }
    const load: Load = { ...steadyLoad(1, 0, of(300_000)), startedAtMs: Date.parse('2026-01-05T07:59:00Z') }
    const { series } = only(load, { ...policy, warmWindows: [window] })
    const at = (seconds: number) => series.find(({ atMs }) => atMs === seconds * 1_000)?.workers
    expect([at(50), at(70), at(170), at(250)]).toEqual([1, 4, 4, 1])
  })

  it('follows a ramp without lagging behind', () => {
    const { summary } = only(rampLoad(50, 2_000, [10_000, 130_000], of(150_000)))
    expect(summary.p99DelayMs).toBeLessThan(500)
  })
})
