import { expect, it, onTestFinished } from 'vitest'
import { DispatchFixture } from './dispatch-fixture.ts'
import { failed, succeeded } from './scripted-pool.ts'

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise(resolve => setImmediate(resolve))
}

it('one poison key among 1,000 holds up itself alone: all others finish, and their offsets are committed', async () => {
  let broken = true
  const fixture = await new DispatchFixture().open(
    ({ key }) => (key === 'k500' && broken ? failed('poison') : succeeded),
    {
      parkAfterMs: 0,
      retry: { maxAttempts: 1_000, initialDelayMs: 20, maxDelayMs: 20, jitter: 0 },
      // Far fewer than there are keys: what stands in front would fill the window.
      window: { maxEvents: 100, maxBytes: 1_000_000 },
    },
  )
  onTestFinished(() => fixture.dispose())
  const keys = Array.from({ length: 1_000 }, (_, i) => `k${i}`)
  for (const round of [0, 1, 2]) await fixture.appendAll(keys.map(key => [key, `${key}-${round}`]))
  await fixture.untilDone(999 * 3)
  await until(async () => (await fixture.committed()) === 3_000)
  expect(fixture.done.some(({ lane }) => lane.key === 'k500')).toBe(false)
  expect([fixture.trigger.parkedKeys, fixture.trigger.parkedEvents]).toEqual([1, 3])
  expect(new Set(fixture.pool.seen.filter(({ key }) => key === 'k500').map(({ value }) => value))).toEqual(
    new Set(['k500-0']),
  )
  broken = false
  await fixture.untilDone(3_000)
  const values = fixture.pool.seen.filter(({ key }) => key === 'k500').map(({ value }) => value)
  expect(values.slice(-3)).toEqual(['k500-0', 'k500-1', 'k500-2'])
  await until(() => fixture.trigger.parkedKeys === 0)
})
