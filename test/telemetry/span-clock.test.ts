import { expect, it } from 'vitest'
import { createSpanClock } from '../../src/telemetry/span-clock.ts'

it('has the resolution of the monotonic clock and follows a wall clock that is set', () => {
  let wall = 1_000_000
  let monotonic = 50
  const now = createSpanClock(() => wall, () => monotonic) // prettier-ignore
  expect(now()).toBe(1_000_000)
  monotonic += 0.25
  expect(now()).toBe(1_000_000.25)
  wall += 3_600_000
  expect(now()).toBe(4_600_000)
  wall -= 7_200_000
  expect(now()).toBe(-2_600_000)
})
