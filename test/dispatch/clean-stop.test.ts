import { expect, it, onTestFinished } from 'vitest'
import { DispatchFixture } from './dispatch-fixture.ts'
import { succeeded } from './scripted-pool.ts'

it('a stop that says that it has drained leaves nothing done that the next start would repeat', async () => {
  const began = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const fixture = await new DispatchFixture().open(
    async ({ value }) => {
      if (value !== 'a0') return succeeded
      began.resolve()
      await release.promise
      return succeeded
    },
    { parkAtStop: true },
  )
  onTestFinished(() => fixture.dispose())
  // a1 waits behind a0 for its key, and b0 comes after both.
  await fixture.append('a', 'a0')
  await began.promise
  for (const value of ['a1', 'b0']) await fixture.append(value[0] as string, value)
  await fixture.untilDone(1)
  expect(fixture.done.map(({ record }) => record.value?.toString())).toEqual(['b0'])
  const stopping = fixture.trigger.stop(5_000)
  release.resolve()
  expect(await stopping).toBe(true)
  // With offset 1 still to be done in the log, the next start would run b0 once more: it is parked instead.
  expect(await fixture.committed()).toBe(3)
})
