import { expect, it, onTestFinished } from 'vitest'
import { DispatchFixture } from './dispatch-fixture.ts'
import { ScriptedLog } from './scripted-log.ts'
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

it('a stop takes in nothing more, so that no event is parked in front of an older one of its key', async () => {
  const fixture = await new DispatchFixture().open(() => succeeded, {
    parkAtStop: true,
    window: { maxEvents: 5, maxBytes: 1_000_000 },
  })
  onTestFinished(() => fixture.dispose())
  const keyOf = (value: string): string => value[0] as string
  // Only b finds a version. Behind it a2 fills the window, and a3 has to wait outside of it.
  fixture.routes.targetsOf = ({ record }) => (record.key?.toString() === 'b' ? fixture.routes.targets : [])
  await fixture.appendAll(['a0', 'a1', 'c0', 'b0', 'a2', 'a3'].map(value => [keyOf(value), value]))
  await fixture.untilDone(1)
  // The offsets move as far as they go before the last key is parked, so that the window has room meanwhile.
  const { store } = fixture
  const park = store.park.bind(store)
  store.park = async rows => {
    if (rows[0]?.key === 'c') {
      while ((await fixture.committed()) < 2) await new Promise(resolve => setImmediate(resolve))
      for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
    }
    await park(rows)
  }
  expect(await fixture.trigger.stop(5_000)).toBe(true)
  const parked = await store.parkedOf('t', 's', 0, 'a', 10)
  expect(parked.map(({ offset }) => offset)).toEqual([0, 1])
  expect(await fixture.committed()).toBe(4)

  fixture.routes.targetsOf = () => fixture.routes.targets
  fixture.trigger = fixture.createTrigger()
  await fixture.trigger.start(undefined)
  await fixture.untilDone(6)
  const order = fixture.pool.seen.map(({ value }) => value)
  expect(order.filter(value => keyOf(value) === 'a')).toEqual(['a0', 'a1', 'a2', 'a3'])
  expect(order).toHaveLength(6)
})

it('a stop whose last commit the log has refused does not say that it has drained: what it finished is repeated', async () => {
  const log = new ScriptedLog()
  log.beforeCommit = () => Promise.reject(new Error('the disk is full'))
  const fixture = await new DispatchFixture().open(() => succeeded, { log })
  onTestFinished(() => fixture.dispose())
  log.assign()
  log.add(['a', 'a0'])
  await fixture.untilDone(1)
  expect(await fixture.trigger.stop(5_000)).toBe(false)
  expect(log.commits).toEqual([])
})
