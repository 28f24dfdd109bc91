import { describe, expect, it } from 'vitest'
import { readLoad } from '../../../src/controller/simulation/load-file.ts'

const recorded = {
  format: 'sluice-load/1',
  name: 'Friday',
  startedAt: '2026-11-20T08:00:00Z',
  intervalMs: 500,
  functions: [{ function: 'enrich', arrivals: [10, 0, 30], serviceTimeMs: [20, 40], cpuTimeMs: 1, keys: 50 }],
}
const problemOf = (value: unknown): string => {
  try {
    readLoad(value)
  } catch (error) {
    return (error as Error).message
  }
  return 'none'
}
const withFunction = (changes: object) => ({ ...recorded, functions: [{ ...recorded.functions[0], ...changes }] })

describe('readLoad', () => {
  it('reads what was recorded: counts per interval, the last figure staying', () => {
    const { name, durationMs, startedAtMs, functions } = readLoad(recorded)
    expect([name, durationMs, startedAtMs]).toEqual(['Friday', 1_500, Date.UTC(2026, 10, 20, 8)])
    const [enrich] = functions
    expect([0, 600, 1_200, 5_000].map(atMs => enrich?.perS(atMs))).toEqual([20, 0, 60, 0])
    const { serviceTimeMs } = enrich?.behaviour ?? {}
    expect(typeof serviceTimeMs === 'function' ? [0, 600, 9_000].map(serviceTimeMs) : []).toEqual([20, 40, 40])
    expect(enrich?.behaviour).toMatchObject({ cpuTimeMs: 1, keys: 50, concurrency: 8, coldStartMs: 50 })
  })

  it.each([
    [{ shape: 'steady', perS: 5 }, [5, 5]],
    [{ shape: 'noisy', perS: 5, noise: 0.01 }, [5, 5]],
    [{ shape: 'step', fromPerS: 1, toPerS: 9, atS: 30 }, [1, 9]],
    [{ shape: 'ramp', fromPerS: 0, toPerS: 60, startS: 0, endS: 60 }, [15, 45]],
    [{ shape: 'sine', meanPerS: 5, amplitudePerS: 5, periodS: 60 }, [5, 5]],
    [{ shape: 'sawtooth', fromPerS: 0, toPerS: 60, periodS: 60 }, [15, 45]],
    [{ shape: 'square', lowPerS: 1, highPerS: 9, periodS: 60 }, [1, 9]],
    [{ shape: 'spike', perS: 1, peakPerS: 9, startS: 40, endS: 50 }, [1, 9]],
  ])('makes up %j', (arrivals, rates) => {
    const [load] = readLoad({ ...withFunction({ arrivals }), durationS: 60 }).functions
    expect([15_000, 45_000].map(atMs => Math.round(load?.perS(atMs) ?? -1))).toEqual(rates)
  })

  it.each<[unknown, string]>([
    [undefined, 'load: must be object'],
    [{ ...recorded, format: 'sluice-load/2' }, 'load.format: must be "sluice-load/1"'],
    [{ ...recorded, speed: 2 }, "load: there is no field 'speed'"],
    [{ ...recorded, startedAt: 'Friday' }, "load.startedAt: 'Friday' is no RFC 3339 time"],
    [withFunction({ arrivals: [-1] }), 'load.functions.0.arrivals: is of none of the kinds'],
    [withFunction({ arrivals: { shape: 'steady', perS: 1 } }), 'load.durationS: is needed'],
    [withFunction({ serviceTimeMs: 0 }), 'load.functions.0.serviceTimeMs: is of none of the kinds'],
    [withFunction({ concurrency: 0 }), 'load.functions.0.concurrency: must be >= 1'],
    [{ ...recorded, functions: [...recorded.functions, ...recorded.functions] }, "'enrich' is there twice"],
    [{ ...withFunction({ arrivals: { shape: 'steady', perS: 1e6 } }), durationS: 3_600 }, 'million events are more'],
  ])('refuses %j', (value, message) => {
    expect(problemOf(value)).toContain(message)
  })
})
