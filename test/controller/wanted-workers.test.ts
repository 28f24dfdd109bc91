import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ScalingSample } from '../../src/controller/scaling-sample.ts'
import { coresPerWorker, wantedWorkers } from '../../src/controller/wanted-workers.ts'
import type { ScalingPolicy } from '../../src/functions/function-version.ts'

const policy: ScalingPolicy = { minWorkers: 0, maxWorkers: 64, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000 }
const sample: ScalingSample = {
  nowMs: 0,
  workers: 4,
  busy: 4,
  running: 32,
  backlog: 1_000,
  runnableKeys: 1_000,
  arrivalsPerS: 400,
  serviceTimeMs: 20,
  cpuShare: 0.02,
  concurrency: 8,
  cores: 2,
}
const wish = (
  changes: Partial<ScalingSample>,
  byLag: Partial<ScalingPolicy> = {},
  efficiency = 1,
  isStarting = false,
) => wantedWorkers({ ...sample, ...changes }, { ...policy, ...byLag }, efficiency, isStarting)

describe('wantedWorkers', () => {
  it('leaves room for a burst beside what arrives', () => {
    // 400/s, one worker does 8 × 50/s, busy for 80 % of the time.
    expect(wish({ backlog: 0 }).need).toBeCloseTo(400 / 400 / 0.8)
  })

  it('adds what drains the backlog in time', () => {
    expect(wish({ backlog: 4_000 }).need).toBeCloseTo((400 + 2_000) / 400)
  })

  it('does not ask for a backlog to be gone before its calls can have ended', () => {
    const slow = { backlog: 40, arrivalsPerS: 0, serviceTimeMs: 4_000, concurrency: 1 }
    expect(wish(slow).need).toBeCloseTo(40 / 8 / 0.25)
  })

  it('corrects the promise by what workers were seen to do', () => {
    expect(wish({ backlog: 4_000 }, {}, 0.5).need).toBeCloseTo((400 + 2_000) / 200)
  })

  it('thinks in lag where a threshold is given, as KEDA does', () => {
    const { need, why } = wish({ backlog: 4_000, arrivalsPerS: 10 }, { lagThreshold: 500 })
    expect(need).toBe(8)
    expect(why).toBe('4,000 waiting ÷ 500 per worker, 10/s ÷ 400/s per worker')
  })

  it('asks for no more than the limits of the function can use, whatever waits', () => {
    const limited = wish({ backlog: 100_000, calls: { ratePerSecond: 100 } })
    // One worker does 400/s.
    expect(limited.need).toBeCloseTo(100 / 400 / 0.8)
    expect(limited.why).toMatch(/, limited to 100\/s$/)
    expect(limited.cores).toBeLessThanOrEqual((100 * 20 * 0.02) / 1_000)
    const few = wish({ backlog: 100_000, calls: { maxConcurrency: 16 } })
    expect(few.need).toBe(2)
    expect(few.why).toMatch(/, limited to 16 at once$/)
    expect(wish({ backlog: 0, calls: { ratePerSecond: 1e6, maxConcurrency: 1e5 } })).toEqual(wish({ backlog: 0 }))
  })

  it('does not count the backlog that grows while workers start', () => {
    expect(wish({ backlog: 40_000 }, {}, 1, true).need).toBe(4)
    expect(wish({ backlog: 40_000, arrivalsPerS: 4_000 }, {}, 1, true).need).toBeCloseTo(4_000 / 400 / 0.8)
  })

  it('knows that few keys need few workers, and that one key needs one', () => {
    expect(wish({ backlog: 40_000, runnableKeys: 16, running: 0 }).why).toContain('held at 20 runnable keys')
    expect(wish({ backlog: 40_000, runnableKeys: 0, running: 1, busy: 1 }).need).toBe(1)
  })

  it('gives no more workers than keep the cores busy', () => {
    expect(wish({ backlog: 40_000, cpuShare: 0.9, concurrency: 1 })).toMatchObject({ need: 2 })
    expect(wish({ backlog: 40_000, cpuShare: 0.05 }).need).toBe(5)
    const share = { workers: 3, why: 'its share' }
    expect(wish({ backlog: 40_000, cpuShare: 0.9, concurrency: 1, limit: share }).need).toBe(3)
  })

  it('wants nothing for nothing, and one worker for what it does not know', () => {
    expect(wish({ backlog: 0, busy: 0, running: 0, arrivalsPerS: 0 }).need).toBe(0)
    expect(wish({ serviceTimeMs: undefined }).need).toBe(1)
  })

  it('never wants less for more: more backlog, more arrivals, slower calls', () => {
    const any = fc.record({
      backlog: fc.nat(100_000),
      arrivalsPerS: fc.double({ min: 0, max: 1e5, noNaN: true }),
      serviceTimeMs: fc.double({ min: 0.01, max: 1e4, noNaN: true }),
    })
    fc.assert(
      fc.property(any, fc.constantFrom('backlog', 'arrivalsPerS', 'serviceTimeMs'), (given, field) => {
        const more = { ...given, [field]: given[field as keyof typeof given] * 2 }
        // Without the caps by cores and keys, which say what helps, not what is needed.
        const free = { cpuShare: 0.0001, runnableKeys: 1e9, cores: 1e6 }
        expect(wish({ ...more, ...free }).need).toBeGreaterThanOrEqual(wish({ ...given, ...free }).need - 1e-9)
      }),
    )
  })
})

describe('coresPerWorker', () => {
  it('is a core for what computes, and the part that waiting leaves for what waits', () => {
    expect(coresPerWorker({ ...sample, cpuShare: 1, concurrency: 8 }, 0.4)).toBe(1)
    expect(coresPerWorker({ ...sample, cpuShare: 0.05 }, 0.5)).toBeCloseTo(0.2)
    expect(coresPerWorker({ ...sample, cpuShare: Number.NaN }, 1)).toBe(1)
  })
})
