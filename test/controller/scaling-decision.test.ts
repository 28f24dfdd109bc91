import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ScalingPolicy } from '../../src/functions/function-version.ts'
import {
  decideWorkers,
  initialScalingState,
  type ScalingSample,
  type ScalingState,
} from '../../src/controller/scaling-decision.ts'

const policy: ScalingPolicy = { minWorkers: 0, maxWorkers: 8, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000 }
const sample: ScalingSample = {
  nowMs: 0,
  workers: 1,
  busy: 1,
  backlog: 0,
  runnableKeys: 100,
  arrivalsPerS: 0,
  serviceTimeMs: 20,
  cpuShare: 0.01,
  concurrency: 1,
  cores: 2,
}

/** Runs the decider over samples, half a second apart, each seeing the workers that the last decision gave. */
function run(
  samples: readonly Partial<ScalingSample>[],
  from: { workers: number; state?: ScalingState; policy?: ScalingPolicy },
) {
  let { workers, state = initialScalingState } = from
  return samples.map((given, tick) => {
    const decision = decideWorkers({ ...sample, nowMs: tick * 500, ...given, workers }, from.policy ?? policy, state)
    workers = decision.desired
    state = decision.state
    return decision
  })
}

describe('decideWorkers', () => {
  it('grows for a backlog that one worker cannot drain in time, and says with which numbers', () => {
    const { desired, reason } = decideWorkers({ ...sample, backlog: 400, workers: 2 }, policy, initialScalingState)
    expect(desired).toBe(4)
    expect(reason).toBe('2→4: 400 waiting + 0.0/s ÷ 50/s per worker, target 2 s')
  })

  it('at most doubles per tick and never exceeds the maximum', () => {
    expect(run(Array(6).fill({ backlog: 100_000 }), { workers: 1 }).map(({ desired }) => desired)).toEqual([
      2, 4, 8, 8, 8, 8,
    ])
  })

  it('holds when the lag is unknown, also when nothing seems to be there', () => {
    const { desired, reason } = decideWorkers(
      { ...sample, backlog: undefined, workers: 5, busy: 0 },
      policy,
      initialScalingState,
    )
    expect(desired).toBe(5)
    expect(reason).toContain('unknown')
  })

  it('shrinks only after the load was lower for a while', () => {
    const load = [
      ...Array<object>(4).fill({ backlog: 4_000 }),
      ...Array<object>(40).fill({ backlog: 0, arrivalsPerS: 30 }),
    ]
    const desired = run(load, { workers: 8 }).map(decision => decision.desired)
    expect(desired.slice(0, 20)).toEqual(Array(20).fill(8))
    expect(desired.at(-1)).toBe(1)
  })

  it('goes to zero only after the idle time, and keeps the warm minimum', () => {
    const idle = Array<object>(130).fill({ backlog: 0, busy: 0, arrivalsPerS: 0 })
    const after = run(idle, { workers: 1 }).map(({ desired }) => desired)
    expect([after.indexOf(0), after.at(-1)]).toEqual([120, 0])
    const warm = run(idle, { workers: 1, policy: { ...policy, minWorkers: 1 } }).map(({ desired }) => desired)
    expect(warm.at(-1)).toBe(1)
  })

  it('gives a computing function no more workers than cores', () => {
    const decisions = run(Array(5).fill({ backlog: 100_000, cpuShare: 1 }), { workers: 1 })
    expect(decisions.at(-1)).toMatchObject({ desired: 2 })
    expect(decisions[0]?.reason).toContain('the function computes')
  })

  it('gives no more workers than there are runnable keys', () => {
    expect(run(Array(5).fill({ backlog: 100_000, runnableKeys: 2, busy: 1 }), { workers: 1 }).at(-1)?.desired).toBe(3)
  })

  it('keeps its bounds and stays finite for any samples', () => {
    const any = fc.record({
      busy: fc.nat(8),
      backlog: fc.option(fc.nat(10_000_000), { nil: undefined }),
      runnableKeys: fc.nat(10_000),
      arrivalsPerS: fc.double({ min: 0, max: 1e7, noNaN: true }),
      serviceTimeMs: fc.option(fc.double({ min: 0, max: 1e7, noNaN: true }), { nil: undefined }),
      cpuShare: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
      concurrency: fc.integer({ min: 1, max: 1000 }),
    })
    fc.assert(
      fc.property(fc.array(any, { maxLength: 60 }), fc.nat(8), (samples, workers) => {
        let before = workers
        for (const [index, { desired }] of run(samples, { workers }).entries()) {
          expect(Number.isInteger(desired)).toBe(true)
          expect(desired).toBeGreaterThanOrEqual(policy.minWorkers)
          expect(desired).toBeLessThanOrEqual(policy.maxWorkers)
          if (samples[index]?.backlog === undefined) expect(desired).toBe(before)
          expect(desired).toBeLessThanOrEqual(Math.max(before, 1) * 2)
          before = desired
        }
      }),
    )
  })
})
