import { describe, expect, it } from 'vitest'
import { initialLoadState, measureLoad, type Load, type LoadReading } from '../../src/controller/load-meter.ts'
import { poisson, seededRandom } from '../../src/controller/simulation/random.ts'

const nothing: LoadReading = { nowMs: 0, succeeded: 0, failed: 0, inSystem: 0, cpuMs: 0, handlerMs: 0 }

/** Loads after each reading; fields that a reading leaves out are those of the one before. */
function measure(readings: readonly Partial<LoadReading>[]): Load[] {
  let state = initialLoadState
  let reading = nothing
  return readings.map(given => {
    reading = { ...reading, ...given }
    const measured = measureLoad(reading, state)
    state = measured.state
    return measured.load
  })
}

/** Readings every half second of a system that completes at once what arrives. */
function arriving(counts: readonly number[], from: Partial<LoadReading> = {}): Partial<LoadReading>[] {
  let { succeeded = 0, nowMs = 0 } = from
  return [
    from,
    ...counts.map(count => {
      succeeded += count
      nowMs += 500
      return { nowMs, succeeded }
    }),
  ]
}

const last = (loads: readonly Load[]): Load => loads.at(-1) as Load

describe('measureLoad', () => {
  it('counts as arrivals what was completed and what the system holds more than before', () => {
    const loads = measure([{}, { nowMs: 500, succeeded: 30, failed: 10, inSystem: 60 }])
    expect(last(loads)).toMatchObject({ arrivalsPerS: 200, completedPerS: 80, active: true })
  })

  it('takes no backlog that is drained for arrivals', () => {
    const draining = Array.from({ length: 21 }, (_, index) => ({
      nowMs: index * 500,
      succeeded: index * 500,
      inSystem: 100_000 - index * 450,
    }))
    expect(last(measure(draining)).arrivalsPerS).toBeCloseTo(100)
  })

  it('follows a step up within a second and a step down within three', () => {
    const up = measure(arriving([...Array<number>(40).fill(50), ...Array<number>(4).fill(500)]))
    expect(up[42]?.arrivalsPerS).toBeGreaterThan(900)
    const down = measure(arriving([...Array<number>(40).fill(500), ...Array<number>(6).fill(50)]))
    expect(last(down).arrivalsPerS).toBeLessThan(120)
  })

  it('hardly follows chance', () => {
    const random = seededRandom(7)
    const loads = measure(arriving(Array.from({ length: 1_200 }, () => poisson(random, 100))))
    const rates = loads.slice(60).map(({ arrivalsPerS }) => arrivalsPerS)
    expect(Math.max(...rates)).toBeLessThan(240)
    expect(Math.min(...rates)).toBeGreaterThan(165)
  })

  it('hardly follows chance where little arrives, either', () => {
    const random = seededRandom(11)
    const loads = measure(arriving(Array.from({ length: 4_800 }, () => poisson(random, 4))))
    const rates = loads.slice(120).map(({ arrivalsPerS }) => arrivalsPerS)
    const off = rates.filter(rate => rate < 5.5 || rate > 11).length
    expect(off / rates.length).toBeLessThan(0.005)
  })

  it('is not misled by an end of the log that is known at every other reading only', () => {
    const loads = measure(
      Array.from({ length: 60 }, (_, index) => ({
        nowMs: index * 500,
        succeeded: index * 50,
        inSystem: 1_000 + Math.floor(index / 2) * 200 - index * 50,
      })),
    )
    const rates = loads.slice(20).map(({ arrivalsPerS }) => arrivalsPerS)
    expect(Math.max(...rates)).toBeLessThan(260)
    expect(Math.min(...rates)).toBeGreaterThan(150)
  })

  it('forgets a burst that is over', () => {
    const loads = measure(arriving([...Array<number>(40).fill(50), 5_000, ...Array<number>(8).fill(50)]))
    expect(last(loads).arrivalsPerS).toBeLessThan(1_000)
  })

  it('knows no rate while the lag is unknown, and goes on from the last one that was known', () => {
    const loads = measure([
      ...arriving(Array<number>(10).fill(50)),
      { nowMs: 5_500, inSystem: undefined },
      { nowMs: 6_000, inSystem: Number.NaN },
      { nowMs: 6_500, succeeded: 650, inSystem: 0 },
    ])
    expect(loads.slice(-3).map(({ arrivalsPerS }) => Math.round(arrivalsPerS))).toEqual([100, 100, 100])
  })

  it.each([
    ['a counter that goes backwards', { nowMs: 5_500, succeeded: 3 }],
    ['a clock that goes backwards', { nowMs: 100, succeeded: 550 }],
    ['a clock that jumps ahead', { nowMs: 9e9, succeeded: 550 }],
    ['a counter that is no number', { nowMs: 5_500, succeeded: Number.NaN }],
  ])('survives %s', (_, broken) => {
    const before = arriving(Array<number>(10).fill(50))
    const { nowMs, succeeded } = broken
    const from = { nowMs: nowMs + 500, succeeded: Number.isNaN(succeeded) ? 600 : succeeded }
    const loads = measure([...before, broken, ...arriving(Array<number>(20).fill(50), from)])
    expect(loads.every(({ arrivalsPerS }) => arrivalsPerS >= 0 && arrivalsPerS < 1_000)).toBe(true)
    expect(last(loads).arrivalsPerS).toBeCloseTo(100, -1)
  })

  it('tells the share of failures from twenty attempts on', () => {
    const readings = [{}, { nowMs: 500, failed: 10 }, { nowMs: 1_000, failed: 20 }, { nowMs: 1_500, failed: 200 }]
    const shares = measure(readings).map(({ failureShare }) => failureShare)
    expect(shares.slice(0, 2)).toEqual([undefined, undefined])
    expect(shares[3]).toBeGreaterThan(0.95)
  })

  it('has the share of CPU time from the first reading, and lets it fall only while cores are free', () => {
    const [first, busy, free] = measure([
      { succeeded: 100, cpuMs: 500, handlerMs: 1_000 },
      { nowMs: 500, succeeded: 300, cpuMs: 600, handlerMs: 2_000, contended: true },
      { nowMs: 1_000, succeeded: 500, cpuMs: 700, handlerMs: 3_000, contended: false },
    ]).map(({ cpuShare }) => cpuShare)
    expect([first, busy]).toEqual([0.5, 0.5])
    expect(free).toBeLessThan(0.15)
  })
})
