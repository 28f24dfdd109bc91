import { describe, expect, it } from 'vitest'
import { checkScaling } from '../../src/config/check-scaling.ts'
import { weekdays, type ScalingSection } from '../../src/config/sections/scaling.ts'

const sound: ScalingSection = { minWorkers: 0, maxWorkers: 4, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000 }
const window = { days: [...weekdays], from: '08:00', to: '18:00', timezone: 'Europe/Berlin', minWorkers: 2 }

const problemsOf = (changes: Partial<ScalingSection>): string[] =>
  checkScaling({ ...sound, ...changes }).map(({ path, message }) => `${path.join('.')}: ${message}`)

describe('checkScaling', () => {
  it('has nothing against a policy whose parts fit, also one that thinks in lag', () => {
    expect(problemsOf({})).toEqual([])
    expect(problemsOf({ lagThreshold: 10, activationLagThreshold: 1_000, weight: 2 })).toEqual([])
    expect(problemsOf({ warmWindows: [window, { ...window, from: '22:00', to: '06:00' }] })).toEqual([])
    expect(problemsOf({ warmWindows: [{ ...window, from: '00:00', to: '24:00' }] })).toEqual([])
  })

  it.each<[Partial<ScalingSection>, string]>([
    [{ minWorkers: 5 }, 'minWorkers: 5 is above scaling.maxWorkers (4)'],
    [{ minWorkers: 1, activationLagThreshold: 7 }, 'activationLagThreshold: never has an effect'],
    [{ warmWindows: [{ ...window, minWorkers: 9 }] }, 'warmWindows.0.minWorkers: 9 is above scaling.maxWorkers (4)'],
    [{ minWorkers: 2, warmWindows: [window] }, 'warmWindows.0.minWorkers: 2 adds nothing to scaling.minWorkers'],
    [{ warmWindows: [window, { ...window, to: '08:00' }] }, 'warmWindows.1.to: is the same as from (08:00)'],
    [{ warmWindows: [{ ...window, timezone: 'Berlin' }] }, "warmWindows.0.timezone: 'Berlin' is no time zone"],
    [{ warmWindows: [{ ...window, timezone: '+02:00' }] }, "warmWindows.0.timezone: '+02:00' is no time zone"],
  ])('refuses the contradiction in %j', (changes, message) => {
    expect(problemsOf(changes)).toEqual([expect.stringContaining(message)])
  })

  it('tells every contradiction at once', () => {
    expect(problemsOf({ minWorkers: 5, warmWindows: [{ ...window, to: '08:00', timezone: 'nowhere' }] })).toHaveLength(
      4,
    )
  })
})
