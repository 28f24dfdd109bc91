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

  it('grows within one tick of the sample that asks for it', () => {
    expect(run([{ backlog: 0 }, { backlog: 200 }], { workers: 1 }).map(({ desired }) => desired)).toEqual([1, 2])
  })

  it('does not move for a need that is off by less than a tenth', () => {
    // One worker does 50/s and is planned at 40/s: 3.8 to 4.2 workers.
    const noise = Array.from({ length: 200 }, (_, tick) => ({ backlog: 0, arrivalsPerS: 160 + (tick % 5) * 4 - 8 }))
    expect(new Set(run(noise, { workers: 4 }).map(({ desired }) => desired))).toEqual(new Set([4]))
  })

  it('waits ten seconds between two shrinks', () => {
    const falling = Array.from({ length: 160 }, (_, tick) => ({ backlog: 0, arrivalsPerS: 320 - tick * 2 }))
    const counts = run(falling, { workers: 8 }).map(({ desired }) => desired)
    const shrinks = counts.flatMap((count, tick) => (count < (counts[tick - 1] ?? 8) ? [tick] : []))
    expect(shrinks.length).toBeGreaterThan(2)
    for (const [index, tick] of shrinks.entries()) expect(tick - (shrinks[index - 1] ?? -20)).toBeGreaterThanOrEqual(20)
  })

  it('shrinks later each time that a shrink had to be taken back', () => {
    // 20 s of much, 20 s of little: longer than the first window, shorter than the second.
    const waves = Array.from({ length: 480 }, (_, tick) => ({ backlog: 0, arrivalsPerS: tick % 80 < 40 ? 320 : 40 }))
    const counts = run(waves, { workers: 8 }).map(({ desired }) => desired)
    const shrinks = counts.flatMap((count, tick) => (count < (counts[tick - 1] ?? 8) ? [tick] : []))
    expect(shrinks).toHaveLength(1)
  })

  it('does not go down again to what was too few for the same load, and tells why', () => {
    // The rate says one worker; soon after the shrink one is not enough all the same.
    const steady = { backlog: 0, arrivalsPerS: 30 }
    const rush = { ...steady, backlog: 160 }
    const dip = { ...steady, arrivalsPerS: 20 }
    const long = [...Array<object>(500).fill(steady), dip, ...Array<object>(500).fill(steady)]
    const load = [rush, ...Array<object>(32).fill(steady), rush, ...long]
    const decisions = run(load, { workers: 1 })
    const counts = decisions.map(({ desired }) => desired)
    expect(counts.filter((count, tick) => count !== counts[tick - 1])).toEqual([2, 1, 2])
    expect(decisions.at(-1)?.reason).toContain('; 1 was too few for it')
    const less = run([...load, ...Array<object>(300).fill({ ...steady, arrivalsPerS: 20 })], { workers: 1 })
    expect(less.at(-1)?.desired).toBe(1)
    const muchLater = run([...load, ...Array<object>(300).fill(steady)], { workers: 1 })
    expect(muchLater.at(-1)?.desired).toBe(1)
  })

  it('takes a burst for no reason to keep more between bursts', () => {
    const steady = { backlog: 0, arrivalsPerS: 30 }
    const burst = [...Array<object>(4).fill({ ...steady, backlog: 900 }), ...Array<object>(100).fill(steady)]
    const bursts = [...Array.from({ length: 6 }, () => burst), Array<object>(400).fill(steady)]
    const decisions = run(bursts.flat(), { workers: 1 })
    expect(Math.max(...decisions.map(({ desired }) => desired))).toBeGreaterThan(5)
    expect(decisions.at(-1)?.desired).toBe(1)
    expect(decisions.some(({ reason }) => reason.includes('too few'))).toBe(false)
  })

  it('does not take what others took for a shrink of its own', () => {
    const steady = { backlog: 0, arrivalsPerS: 30 }
    const rush = { ...steady, backlog: 160 }
    const squeezed = { ...rush, limit: { workers: 1, why: 'its share' } }
    const load = [rush, ...Array<object>(4).fill(squeezed), rush, ...Array<object>(60).fill(steady)]
    const decisions = run(load, { workers: 1 })
    expect(decisions.map(({ desired }) => desired).slice(0, 7)).toEqual([2, 1, 1, 1, 1, 2, 2])
    expect(decisions.at(-1)?.desired).toBe(1)
  })

  it('claims nothing for a worker that is idle', () => {
    const idle = { backlog: 0, busy: 0, arrivalsPerS: 0, active: false }
    const decisions = run([{ backlog: 5 }, ...Array<object>(80).fill(idle)], { workers: 1 })
    expect(decisions.at(-1)).toMatchObject({ desired: 1, claim: { workers: 0, cores: 0 } })
  })

  it('holds while figures are no numbers, and shrinks only after a whole window of known ones', () => {
    const low = { backlog: 0, arrivalsPerS: 30 }
    const samples = [
      ...Array<object>(29).fill(low),
      { ...low, arrivalsPerS: Number.NaN },
      ...Array<object>(30).fill(low),
      ...Array<object>(10).fill(low),
    ]
    const decisions = run(samples, { workers: 4 })
    expect(decisions[29]?.reason).toBe('hold at 4: the arrival rate is unknown')
    expect(decisions.findIndex(({ desired }) => desired < 4)).toBeGreaterThan(58)
  })

  it('is not moved by a clock that jumps, in either direction', () => {
    const low = { backlog: 0, arrivalsPerS: 30 }
    const ahead = run([low, { ...low, nowMs: 3_600_000 }, { ...low, nowMs: 3_600_500 }], { workers: 4 })
    const back = run(
      [
        { ...low, nowMs: 3_600_000 },
        { ...low, nowMs: 0 },
        { ...low, nowMs: -5 },
      ],
      { workers: 4 },
    )
    expect([...ahead, ...back].map(({ desired }) => desired)).toEqual([4, 4, 4, 4, 4, 4])
  })

  it('lets one worker probe while almost everything fails, and grows again when calls succeed', () => {
    const flood = { backlog: 10_000, arrivalsPerS: 400 }
    const decisions = run(
      [
        ...Array<object>(4).fill(flood),
        ...Array<object>(30).fill({ ...flood, failureShare: 0.99 }),
        ...Array<object>(5).fill({ ...flood, failureShare: 0.1 }),
      ],
      { workers: 1 },
    )
    expect(decisions.map(({ desired }) => desired).slice(2, 6)).toEqual([8, 8, 1, 1])
    expect(decisions[4]?.reason).toBe('8→1: 99 % of the calls fail; one worker probes')
    expect(decisions.at(-1)?.desired).toBe(8)
  })

  it('keeps the warm minimum also while it probes', () => {
    const failing = Array<object>(3).fill({ backlog: 100, failureShare: 1 })
    expect(run(failing, { workers: 8, policy: { ...policy, minWorkers: 3 } }).at(-1)?.desired).toBe(3)
  })

  it('takes growth back that brought no throughput, remembers it, and says so', () => {
    const flood = { backlog: 50_000, runnableKeys: 10_000, arrivalsPerS: 4_000, serviceTimeMs: 2, completedPerS: 500 }
    const decisions = run(Array<object>(60).fill(flood), {
      workers: 1,
      policy: { ...policy, maxWorkers: 64 },
    })
    const reverted = decisions.findIndex(({ reason }) => reason.includes('bring'))
    expect(reverted).toBeGreaterThan(0)
    expect(decisions[reverted]?.desired).toBeLessThan(decisions[reverted - 1]?.desired ?? 0)
    expect(decisions[reverted + 1]?.reason).toContain('more brought nothing')
    expect(decisions.at(-1)?.desired).toBe(decisions[reverted]?.desired)
  })

  it('starts the first worker only for more events than activationLagThreshold', () => {
    const lazy = { ...policy, activationLagThreshold: 100 }
    const [below, above] = run(
      [
        { backlog: 100, busy: 0 },
        { backlog: 101, busy: 0 },
      ],
      { workers: 0, policy: lazy },
    )
    expect(below).toMatchObject({
      desired: 0,
      reason: 'no worker, 100 waiting do not exceed activationLagThreshold 100',
    })
    expect(above?.desired).toBeGreaterThan(0)
  })

  it('keeps workers as lagThreshold says', () => {
    const byLag = { ...policy, lagThreshold: 100 }
    const grown = run(Array<object>(5).fill({ backlog: 600, arrivalsPerS: 10 }), { workers: 1, policy: byLag })
    expect(grown.at(-1)).toMatchObject({ desired: 6, reason: expect.stringContaining('600 waiting ÷ 100 per worker') })
  })

  it('gives the warm minimum at once, and tells it', () => {
    const [decision] = run([{ backlog: 0, busy: 0 }], { workers: 0, policy: { ...policy, minWorkers: 3 } })
    expect(decision).toMatchObject({ desired: 3, reason: '0→3: the warm minimum' })
  })

  it('stays within what the others leave, and says for whom', () => {
    const limit = { workers: 2, why: 'its share of 2 cores beside 2 others' }
    const decisions = run(
      [
        { backlog: 10_000, limit },
        { backlog: 10_000, limit },
      ],
      { workers: 6 },
    )
    expect(decisions.map(({ desired, reason }) => [desired, reason.slice(0, 41)])).toEqual([
      [2, '6→2: its share of 2 cores beside 2 others'],
      [2, '2 stay: its share of 2 cores beside 2 oth'],
    ])
  })

  it('claims what it would have without the limit', () => {
    const limit = { workers: 1, why: 'its share' }
    const decisions = run(Array<object>(3).fill({ backlog: 10_000, limit, cpuShare: 1 }), { workers: 1 })
    expect(decisions.at(-1)?.claim).toMatchObject({ workers: 3, coresPerWorker: 1 })
    expect(decisions.at(-1)?.claim.cores).toBeGreaterThan(2)
  })

  it('lets a pool that cannot start try with one worker', () => {
    const broken = { backlog: 10_000, cannotStart: 'no route to database' }
    expect(run([broken, broken], { workers: 8 }).at(-1)).toMatchObject({
      desired: 1,
      reason: '1 stay: no worker can start: no route to database',
    })
  })

  it('keeps workers longer that take long to start', () => {
    const load = [
      ...Array<object>(4).fill({ backlog: 4_000, coldStartMs: 3_000 }),
      ...Array<object>(80).fill({ backlog: 0, arrivalsPerS: 30, coldStartMs: 3_000 }),
    ]
    expect(run(load, { workers: 8 }).at(-1)?.desired).toBe(8)
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
