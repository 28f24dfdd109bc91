import { afterEach, describe, expect, it } from 'vitest'
import type { NewDeadLetter } from '../../src/store/dead-letters.ts'
import type { HomeStore, ParkedEvent, Suspect } from '../../src/store/home-store.ts'

/** What a trigger, its pauses and its suspects ask of a home store. */
export type DispatchStore = Pick<
  HomeStore,
  | ('putDeadLetter' | 'park' | 'parkedOf' | 'parkedKeys' | 'unpark')
  | ('putSuspect' | 'processEnded' | 'suspectsOf' | 'removeSuspect')
  | ('pause' | 'resume' | 'pauses' | 'forgetTrigger' | 'close')
>

/** One letter as it lies in a store. */
export interface KeptLetter {
  readonly id: number
  readonly offset: number
  readonly message: string
  readonly function: string
  readonly failures: string
  readonly results: string
  readonly value: Uint8Array | null
}

/** One store under test, empty. */
export interface HomeStoreFixture {
  readonly store: DispatchStore
  /** The letters of a trigger, youngest first. */
  lettersOf(trigger: string): Promise<readonly KeptLetter[]>
  /** Closes the store and opens it again on the same data. */
  reopen(): Promise<void>
  /** Somebody else holds the data locked, until what it gives is called. */
  lock(): () => void
  /** Closes what is open and removes the data. */
  close(): Promise<void>
}

export const storedLetter = (offset: number, more: Partial<NewDeadLetter> = {}): NewDeadLetter => ({
  ...{ trigger: 't', stream: 's', partition: 0, offset, eventId: `e${offset}`, key: 'k' },
  ...{ header: Buffer.from('header'), value: Buffer.from('value'), stage: 'handler', function: 'fn@3' },
  ...{ reason: 'error', message: 'no', failures: '[{"attempt":1}]', results: '', firstSeenAtMs: 1, lastAttemptAtMs: 1 },
  ...more,
})

export const storedEvent = (offset: number, more: Partial<ParkedEvent> = {}): ParkedEvent => ({
  ...{ trigger: 't', stream: 's', partition: 0, offset, key: 'k', header: Buffer.from('header') },
  ...{ value: Buffer.from(`v${offset}`), timestampMs: 1, attempt: 1, failures: '[]', dueAtMs: 5 },
  ...more,
})

export const storedSuspect = (offset: number, more: Partial<Suspect> = {}): Suspect => ({
  ...{ trigger: 't', stream: 's', partition: 0, offset, crashes: 1, isRunning: false, isExclusive: false },
  ...{ attempt: 2, failures: '[]', sinceMs: 1_000 },
  ...more,
})

/** What every home store promises to those who dispatch; run by each implementation. */
export function homeStoreSuite(name: string, open: () => Promise<HomeStoreFixture>): void {
  const opened: HomeStoreFixture[] = []
  const fixtureOf = async (): Promise<HomeStoreFixture> => {
    const fixture = await open()
    opened.push(fixture)
    return fixture
  }
  const offsetsOf = async ({ store }: HomeStoreFixture, key = 'k', limit = 10): Promise<number[]> =>
    (await store.parkedOf('t', 's', 0, key, limit)).map(({ offset }) => offset)

  describe(`${name} as a home store`, () => {
    afterEach(async () => {
      for (const fixture of opened.splice(0)) await fixture.close()
    })

    it('gives back after reopening what it took', async () => {
      const fixture = await fixtureOf()
      await fixture.store.putDeadLetter(storedLetter(1, { value: null }))
      await fixture.store.park([storedEvent(8), storedEvent(7), storedEvent(9, { key: 'other', value: null })])
      await fixture.store.putSuspect(storedSuspect(3))
      const pause = { reason: 'r', by: 'b', sinceMs: 3, expiresAtMs: 9, failedProbes: 2 }
      await fixture.store.pause('trigger:t', pause)
      await fixture.reopen()
      expect(await fixture.lettersOf('t')).toMatchObject([{ offset: 1, message: 'no', value: null }])
      expect(await offsetsOf(fixture)).toEqual([7, 8])
      expect(await offsetsOf(fixture, 'k', 1)).toEqual([7])
      const [other] = await fixture.store.parkedOf('t', 's', 0, 'other', 1)
      expect(other).toMatchObject({ offset: 9, value: null })
      expect(Buffer.from(other?.header ?? []).toString()).toBe('header')
      expect(await fixture.store.suspectsOf('t', 's', 2_000)).toEqual([storedSuspect(3)])
      expect(await fixture.store.pauses()).toEqual(new Map([['trigger:t', pause]]))
    })

    it('owns the bytes of what it is given from the call on', async () => {
      const fixture = await fixtureOf()
      const value = Buffer.from('before')
      const parking = fixture.store.park([storedEvent(1, { value })])
      value.fill(0)
      await parking
      const [event] = await fixture.store.parkedOf('t', 's', 0, 'k', 1)
      expect(Buffer.from(event?.value ?? []).toString()).toBe('before')
    })

    it('takes calls of one round in their order, and reads what was asked for before', async () => {
      const { store } = await fixtureOf()
      const [, first, , second] = await Promise.all([
        store.park([storedEvent(1)]),
        store.parkedKeys('t'),
        store.unpark(storedEvent(1)),
        store.parkedKeys('t'),
      ])
      expect(first).toHaveLength(1)
      expect(second).toEqual([])
    })

    it('tells of every parked key how much of it waits, until when, and how long its last failure has to', async () => {
      const { store } = await fixtureOf()
      const failures = JSON.stringify([{ atMs: 1 }, { atMs: 9 }])
      await store.park([storedEvent(1, { failures }), storedEvent(2), storedEvent(3, { dueAtMs: 7 })])
      await store.park([
        storedEvent(4, { key: 'a' }),
        storedEvent(5, { partition: 1 }),
        storedEvent(6, { trigger: 'u' }),
      ])
      expect(await store.parkedKeys('t')).toEqual([
        { partition: 0, key: 'a', events: 1, dueAtMs: 5, waitMs: 0 },
        { partition: 0, key: 'k', events: 3, dueAtMs: 7, waitMs: -4 },
        { partition: 1, key: 'k', events: 1, dueAtMs: 5, waitMs: 0 },
      ])
    })

    it('keeps the attempts of an event that is parked again with fewer, but takes another event at its place', async () => {
      const { store } = await fixtureOf()
      await store.park([storedEvent(1, { attempt: 4 })])
      await store.park([storedEvent(1)])
      expect(await store.parkedOf('t', 's', 0, 'k', 9)).toMatchObject([{ attempt: 4 }])
      await store.park([storedEvent(1, { attempt: 5, dueAtMs: 6 })])
      expect(await store.parkedOf('t', 's', 0, 'k', 9)).toMatchObject([{ attempt: 5, dueAtMs: 6 }])
      await store.park([storedEvent(1, { header: Buffer.from('another') })])
      expect(await store.parkedOf('t', 's', 0, 'k', 9)).toMatchObject([{ attempt: 1 }])
    })

    it('parks no longer what is a letter, and leaves a letter that lies when its event is done', async () => {
      const fixture = await fixtureOf()
      await fixture.store.park([storedEvent(1), storedEvent(2)])
      await fixture.store.putDeadLetter(storedLetter(1))
      expect(await offsetsOf(fixture)).toEqual([2])
      await fixture.store.unpark(storedEvent(1))
      expect(await fixture.lettersOf('t')).toHaveLength(1)
    })

    it('goes on with the letter of an event that dies again, with what both deaths tell', async () => {
      const fixture = await fixtureOf()
      await fixture.store.putDeadLetter(storedLetter(1, { results: '[1]' }))
      await fixture.store.putDeadLetter(storedLetter(2))
      const again = { message: 'again', function: '', failures: '[{"attempt":2}]' }
      await fixture.store.putDeadLetter(storedLetter(1, again))
      const [second, first] = await fixture.lettersOf('t')
      expect(second?.offset).toBe(2)
      expect(first).toMatchObject({ offset: 1, message: 'again', function: 'fn@3', results: '[1]' })
      expect(JSON.parse(first?.failures ?? '')).toEqual([{ attempt: 1 }, { attempt: 2 }])
    })

    it('refuses one call whole and keeps those beside it', async () => {
      const fixture = await fixtureOf()
      const { store } = fixture
      const nothing = null as unknown as number
      const results = await Promise.allSettled([
        store.putDeadLetter(storedLetter(1)),
        store.putDeadLetter(storedLetter(2, { message: nothing as unknown as string })),
        store.park([storedEvent(1), storedEvent(2, { attempt: nothing })]),
        store.putSuspect(storedSuspect(1, { attempt: nothing })),
        store.putDeadLetter(storedLetter(3)),
      ])
      expect(results.map(({ status }) => status === 'fulfilled')).toEqual([true, false, false, false, true])
      expect(results[1]).toMatchObject({ reason: { code: 'SLUICE_STORE_WRITE' } })
      expect((await fixture.lettersOf('t')).map(({ offset }) => offset)).toEqual([3, 1])
      expect(await store.parkedKeys('t')).toEqual([])
    })

    it('refuses changes while somebody else holds its data locked, and goes on afterwards', async () => {
      const fixture = await fixtureOf()
      await fixture.store.park([storedEvent(1)])
      const unlock = fixture.lock()
      const refused = fixture.store.park([storedEvent(2)])
      const read = offsetsOf(fixture)
      await expect(refused).rejects.toMatchObject({ code: 'SLUICE_STORE_WRITE', retryable: true })
      expect(await read).toEqual([1])
      unlock()
      await fixture.store.park([storedEvent(3)])
      expect(await offsetsOf(fixture)).toEqual([1, 3])
    })

    it('charges the end of a process to what ran alone in it, and only once', async () => {
      const { store } = await fixtureOf()
      await store.putSuspect(storedSuspect(1, { isRunning: true, isExclusive: true }))
      await store.putSuspect(storedSuspect(2, { isRunning: true }))
      const ended = [storedEvent(1), storedEvent(5)].map(({ trigger, stream, partition, offset }) => ({
        ...{ trigger, stream, partition, offset },
      }))
      for (let told = 0; told < 2; told++) await store.processEnded(ended, 2_000)
      const suspects = [...(await store.suspectsOf('t', 's', 2_000))].sort((a, b) => a.offset - b.offset)
      expect(suspects).toMatchObject([
        { offset: 1, crashes: 2, attempt: 3, isRunning: false, isExclusive: true },
        { offset: 2, crashes: 1, attempt: 2, isRunning: false, isExclusive: false },
        { offset: 5, crashes: 0, attempt: 1, isRunning: false, isExclusive: true },
      ])
      await store.removeSuspect(storedSuspect(2))
      expect(await store.suspectsOf('t', 's', 2_000)).toHaveLength(2)
      expect(await store.suspectsOf('t', 'elsewhere', 2_000)).toEqual([])
      expect(await store.suspectsOf('t', 's', 2_000 + 8 * 86_400_000)).toEqual([])
    })

    it('forgets of a trigger all but its letters, and nothing of one whose name begins alike', async () => {
      const fixture = await fixtureOf()
      const { store } = fixture
      const pause = { reason: 'r', by: 'b', sinceMs: 3 }
      for (const trigger of ['t', 'tt']) {
        await store.park([storedEvent(1, { trigger })])
        await store.putDeadLetter(storedLetter(2, { trigger }))
        await store.putSuspect(storedSuspect(3, { trigger }))
        for (const scope of [`trigger:${trigger}`, `partition:${trigger}:0`, `key:${trigger}:k`])
          await store.pause(scope, pause)
      }
      await store.forgetTrigger('t')
      expect(await store.parkedKeys('t')).toEqual([])
      expect(await store.suspectsOf('t', 's', 2_000)).toEqual([])
      expect(await fixture.lettersOf('t')).toHaveLength(1)
      expect(await store.parkedKeys('tt')).toHaveLength(1)
      expect(await store.suspectsOf('tt', 's', 2_000)).toHaveLength(1)
      expect([...(await store.pauses()).keys()].sort()).toEqual(['key:tt:k', 'partition:tt:0', 'trigger:tt'])
      await store.resume('trigger:tt')
      await store.resume('trigger:nobody')
      expect([...(await store.pauses()).keys()].sort()).toEqual(['key:tt:k', 'partition:tt:0'])
    })

    it('is closed twice without harm, with what it was given before, and takes nothing afterwards', async () => {
      const fixture = await fixtureOf()
      const { store } = fixture
      await Promise.all([store.park([storedEvent(1)]), store.close(), store.close()])
      await expect(store.pauses()).rejects.toMatchObject({ code: 'SLUICE_STORE_FAILED' })
      await fixture.reopen()
      expect(await offsetsOf(fixture)).toEqual([1])
    })
  })
}
