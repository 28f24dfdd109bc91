import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ScheduleSourceConfig } from '../../../src/config/sections/schedule-source.ts'
import { SluiceError } from '../../../src/errors/sluice-error.ts'
import { decodeEventHeader } from '../../../src/events/event-header-codec.ts'
import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { ScheduleSource, type TickStore } from '../../../src/sources/schedule/source.ts'
import type { StreamIntake } from '../../../src/sources/source.ts'
import { createStreamIntake } from '../../../src/sources/stream-intake.ts'
import type { HomeStore } from '../../../src/store/home-store.ts'
import { openSqliteStore } from '../../../src/store/sqlite-store.ts'
import { ControlledIntake } from '../mqtt/controlled-intake.ts'
import { ManualTime } from './manual-time.ts'

let dir: string
let store: HomeStore
let intake: ControlledIntake
const sources: ScheduleSource[] = []

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-schedule-'))
  store = await openSqliteStore({ dir, onFatal: () => undefined })
  intake = new ControlledIntake()
})
afterEach(async () => {
  intake.release()
  for (const source of sources.splice(0)) await source.stop()
  await store.close()
  rmSync(dir, { recursive: true, force: true })
})

interface Given {
  readonly config?: Partial<ScheduleSourceConfig>
  readonly intake?: StreamIntake
  readonly store?: TickStore
}

async function start(time: ManualTime, given: Given = {}): Promise<ScheduleSource> {
  const source = new ScheduleSource({
    name: 'nightly',
    config: {
      type: 'schedule',
      cron: '0 * * * *',
      timezone: 'UTC',
      missed: 'last',
      eventType: 'sluice.schedule.tick',
      enabled: true,
      ...given.config,
    },
    intake: given.intake ?? intake,
    store: given.store ?? store,
    time,
  })
  sources.push(source)
  await source.start()
  return source
}

/** The ticks that became events, as `HH:MM` or with the date where it is not one day. */
const ids = (): string[] => intake.events.map(({ header }) => header.id)
const hours = (): string[] => ids().map(id => id.slice('nightly/2026-01-01T'.length, -4))

describe('a schedule source', () => {
  it('makes one event per tick, which says all of it', async () => {
    const time = new ManualTime('2026-01-01T00:59:30Z')
    const source = await start(time, { config: { data: { report: ['daily', null] }, subject: 'sales' } })
    await time.advanceTo('2026-01-01T02:30:00Z')
    expect(ids()).toEqual(['nightly/2026-01-01T01:00:00Z', 'nightly/2026-01-01T02:00:00Z'])
    expect(intake.events[0]?.header).toEqual({
      id: 'nightly/2026-01-01T01:00:00Z',
      dedupId: 'nightly/2026-01-01T01:00:00Z',
      source: '/sources/nightly',
      type: 'sluice.schedule.tick',
      subject: 'sales',
      time: '2026-01-01T01:00:00Z',
      datacontenttype: 'application/json',
      partitionkey: 'nightly',
      acceptedAtMs: Date.parse('2026-01-01T01:00:00Z'),
      hops: 0,
    })
    expect(intake.values[0]).toBe('{"report":["daily",null]}')
    expect(source.stats()).toEqual({
      state: 'running',
      accepted: 2,
      duplicates: 0,
      refused: {},
      detail: 'next tick 2026-01-01T03:00:00Z',
    })
  })

  it('makes no ticks while it is paused, also by a start, and goes on when it is resumed', async () => {
    const time = new ManualTime('2026-01-01T00:59:30Z')
    const source = await start(time)
    await source.pause({ reason: 'quiet', by: 'me', sinceMs: 1 })
    expect(source.stats()).toMatchObject({ state: 'paused', detail: 'paused: quiet (me)' })
    await source.stop()
    await source.start()
    expect(source.state).toBe('paused')
    const passed = time.advanceTo('2026-01-01T03:30:00Z')
    expect(ids()).toEqual([])
    await source.resume()
    await passed
    await time.idle()
    expect(ids().at(-1)).toBe('nightly/2026-01-01T03:00:00Z')
  })

  it('has no body and no content type without data', async () => {
    const time = new ManualTime('2026-01-01T00:59:30Z')
    await start(time)
    await time.advanceTo('2026-01-01T01:00:00Z')
    await time.idle()
    expect(intake.values).toEqual([''])
    expect(intake.events[0]?.header).not.toHaveProperty('datacontenttype')
  })

  it('records a tick only after its event is durable', async () => {
    const time = new ManualTime('2026-01-01T00:59:59Z')
    await start(time)
    intake.mode = 'hold'
    const passing = time.advanceTo('2026-01-01T01:00:30Z')
    await intake.until(() => intake.calls === 1)
    expect(await store.scheduleTick('nightly')).toBe(Date.parse('2026-01-01T00:59:59Z'))
    intake.release()
    await passing
    expect(await store.scheduleTick('nightly')).toBe(Date.parse('2026-01-01T01:00:00Z'))
  })

  it('fires the same event again after a crash before the record, and the stream knows it', async () => {
    const open = () =>
      openEmbeddedLog({ directory: join(dir, 'ticks'), stream: 'ticks', partitionCount: 4, onFatal: () => undefined })
    let log = await open()
    const forgetful: TickStore = {
      scheduleTick: name => store.scheduleTick(name),
      putScheduleTick: () => Promise.reject(new SluiceError('SLUICE_STORE_FAILED', 'killed here')),
    }
    await store.putScheduleTick('nightly', Date.parse('2026-01-01T00:30:00Z'))
    let time = new ManualTime('2026-01-01T00:59:59Z')
    const killed = await start(time, {
      intake: createStreamIntake({ log, dedupe: { windowMs: 600_000, maxEntries: 100 } }),
      store: forgetful,
    })
    await time.advanceTo('2026-01-01T01:00:00Z')
    await time.idle()
    expect(killed.stats()).toMatchObject({ state: 'impaired', accepted: 1, detail: 'killed here' })
    await killed.stop()
    await log.close()

    log = await open()
    const again = createStreamIntake({ log, dedupe: { windowMs: 600_000, maxEntries: 100 } })
    await again.rebuild()
    time = new ManualTime('2026-01-01T01:05:00Z')
    const restarted = await start(time, { intake: again })
    await time.idle()
    expect(restarted.stats()).toMatchObject({ state: 'running', accepted: 0, duplicates: 1 })
    expect(await store.scheduleTick('nightly')).toBe(Date.parse('2026-01-01T01:00:00Z'))
    const ends = await log.ends()
    const records = (await Promise.all(ends.map((_, partition) => log.browse(partition, 0, 10)))).flat()
    expect(records.map(({ header }) => decodeEventHeader(header as Buffer).id)).toEqual([
      'nightly/2026-01-01T01:00:00Z',
    ])
    await log.close()
  })

  it('tries a refused tick until it is in, while the later ones are missed', async () => {
    const time = new ManualTime('2026-01-01T00:59:59Z')
    const source = await start(time)
    intake.mode = 'refuse'
    await time.advanceTo('2026-01-01T05:30:00Z')
    expect(source.state).toBe('impaired')
    expect(source.stats().detail).toBe('there is no room')
    const delays = time.waits.slice(time.waits.indexOf(100))
    expect(delays.slice(0, 9)).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000])
    expect(source.stats().refused).toEqual({ full: delays.length })
    intake.mode = 'take'
    await time.advanceTo('2026-01-01T05:31:00Z')
    // The one that was due all the time, and the last of those behind it.
    expect(hours()).toEqual(['01:00', '05:00'])
    expect(source.state).toBe('running')
  })

  it.each([
    ['skip', ['06:00']],
    ['last', ['05:00', '06:00']],
    ['all', ['01:00', '02:00', '03:00', '04:00', '05:00', '06:00']],
  ] as const)('handles ticks that were missed by %s after a restart', async (missed, expected) => {
    await (await start(new ManualTime('2026-01-01T00:30:00Z'), { config: { missed } })).stop()
    const time = new ManualTime('2026-01-01T05:30:00Z')
    await start(time, { config: { missed } })
    await time.advanceTo('2026-01-01T06:30:00Z')
    expect(hours()).toEqual(expected)
  })

  it.each([
    ['skip', []],
    ['last', ['04:00']],
    ['all', ['01:00', '02:00', '03:00', '04:00']],
  ] as const)('handles ticks that were missed by %s while the machine slept', async (missed, expected) => {
    const time = new ManualTime('2026-01-01T00:30:00Z')
    await start(time, { config: { missed } })
    await time.jumpTo('2026-01-01T04:30:00Z')
    expect(hours()).toEqual(expected)
  })

  it('fires a tick that is a little late under every policy', async () => {
    const time = new ManualTime('2026-01-01T00:59:00Z')
    await start(time, { config: { missed: 'skip' } })
    await time.jumpTo('2026-01-01T01:00:59Z')
    expect(hours()).toEqual(['01:00'])
  })

  it('appends many missed ticks in order', async () => {
    await store.putScheduleTick('nightly', Date.parse('2026-01-01T00:00:00Z'))
    const time = new ManualTime('2026-01-01T04:00:30Z')
    const source = await start(time, { config: { missed: 'all', cron: '* * * * *' } })
    await time.idle()
    expect(intake.batchSizes).toEqual([100, 100, 40])
    expect(ids()).toEqual(ids().toSorted())
    expect(source.stats().accepted).toBe(240)
  })

  it('fires no tick twice when the clock goes back, and says that it waits', async () => {
    const time = new ManualTime('2026-01-01T00:30:00Z')
    const source = await start(time)
    await time.advanceTo('2026-01-01T03:00:10Z')
    await time.jumpTo('2026-01-01T00:30:00Z')
    expect(source.stats()).toMatchObject({
      state: 'impaired',
      detail: 'the clock went back: ticks until 2026-01-01T03:00:00Z are done; next tick 2026-01-01T04:00:00Z',
    })
    await time.advanceTo('2026-01-01T04:00:10Z')
    expect(hours()).toEqual(['01:00', '02:00', '03:00', '04:00'])
    expect(source.state).toBe('running')
  })

  it('keeps to the wall clock when it goes forward and back', async () => {
    const config = { cron: '30 2 * * *', timezone: 'Europe/Berlin' }
    const spring = new ManualTime('2026-03-28T00:00:00Z')
    const source = await start(spring, { config })
    await spring.advanceTo('2026-03-30T12:00:00Z')
    expect(ids()).toEqual([
      'nightly/2026-03-28T01:30:00Z',
      // 02:30 is not there; the clock goes from 02:00 to 03:00.
      'nightly/2026-03-29T01:00:00Z',
      'nightly/2026-03-30T00:30:00Z',
    ])
    await source.stop()
    intake.events.length = 0
    await store.putScheduleTick('nightly', Date.parse('2026-10-24T12:00:00Z'))
    const autumn = new ManualTime('2026-10-24T12:00:00Z')
    await start(autumn, { config })
    await autumn.advanceTo('2026-10-26T12:00:00Z')
    // 02:30 comes twice; the first one counts.
    expect(ids()).toEqual(['nightly/2026-10-25T00:30:00Z', 'nightly/2026-10-26T01:30:00Z'])
  })

  it('makes up for the first tick of its life too', async () => {
    await (await start(new ManualTime('2026-01-01T00:30:00Z'))).stop()
    const time = new ManualTime('2026-01-01T01:30:00Z')
    await start(time)
    await time.idle()
    expect(hours()).toEqual(['01:00'])
  })

  it('looks at the clock every half minute, however far the next tick is', async () => {
    const time = new ManualTime('2026-01-01T00:00:01Z')
    await start(time, { config: { cron: '@yearly' } })
    await time.advanceTo('2026-01-01T00:05:00Z')
    expect(new Set(time.waits)).toEqual(new Set([30_000]))
    expect(intake.calls).toBe(0)
  })

  it('stops while the stream refuses; the tick comes with the next start', async () => {
    const time = new ManualTime('2026-01-01T00:59:59Z')
    const source = await start(time)
    intake.mode = 'refuse'
    await time.advanceTo('2026-01-01T01:00:30Z')
    await source.stop()
    expect(source.state).toBe('stopped')
    intake.mode = 'take'
    const later = new ManualTime('2026-01-01T01:10:00Z')
    await source.stop()
    await start(later)
    await later.idle()
    expect(hours()).toEqual(['01:00'])
  })

  it('finishes the event that it is appending when it is stopped', async () => {
    const time = new ManualTime('2026-01-01T00:59:59Z')
    const source = await start(time)
    intake.mode = 'hold'
    void time.advanceTo('2026-01-01T01:00:00Z')
    await intake.until(() => intake.calls === 1)
    const stopped = source.stop()
    intake.release()
    await stopped
    expect(hours()).toEqual(['01:00'])
    expect(await store.scheduleTick('nightly')).toBe(Date.parse('2026-01-01T01:00:00Z'))
  })

  it('does not append again what the store could not record', async () => {
    let failures = 3
    const flaky: TickStore = {
      scheduleTick: name => store.scheduleTick(name),
      putScheduleTick: (name, tickMs) =>
        failures-- > 0
          ? Promise.reject(new SluiceError('SLUICE_STORE_WRITE', 'the file is locked'))
          : store.putScheduleTick(name, tickMs),
    }
    await store.putScheduleTick('nightly', Date.parse('2026-01-01T00:30:00Z'))
    const time = new ManualTime('2026-01-01T00:59:59Z')
    const source = await start(time, { store: flaky })
    await time.advanceTo('2026-01-01T01:00:10Z')
    expect(intake.calls).toBe(1)
    expect(await store.scheduleTick('nightly')).toBe(Date.parse('2026-01-01T01:00:00Z'))
    expect(source.stats()).toMatchObject({ state: 'running', refused: {} })
  })

  it('waits with the timers of the system', async () => {
    const source = new ScheduleSource({
      name: 'nightly',
      config: {
        type: 'schedule',
        cron: '* * * * * *',
        timezone: 'UTC',
        missed: 'skip',
        eventType: 'second',
        enabled: true,
      },
      intake,
      store,
    })
    sources.push(source)
    await source.start()
    await intake.until(() => intake.events.length >= 2)
    await source.stop()
    const [first, second] = intake.events.map(({ header }) => Date.parse(header.time as string))
    expect((second as number) - (first as number)).toBe(1_000)
  })
})
