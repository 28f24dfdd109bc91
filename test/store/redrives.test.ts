import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxRedrives, type RedriveSpec, type RedriveStep } from '../../src/store/dead-letters.ts'
import type { HomeStore, ParkedEvent } from '../../src/store/home-store.ts'
import { loneKey } from '../../src/store/parked-key.ts'
import { letterAt, openStore, placeOf, temporaryDir } from './store-fixture.ts'

const spec = (more: Partial<RedriveSpec> = {}): RedriveSpec => ({
  trigger: 't',
  filter: {},
  upToId: 1_000,
  total: 1_000,
  guarded: 0,
  force: false,
  ...more,
})
const step = (more: Partial<RedriveStep> = {}): RedriveStep => ({
  limit: 100,
  maxInFlight: 100,
  nowMs: 50,
  ...more,
})

/** What is parked of the trigger, each event under its own name. */
const parkedOf = async (store: HomeStore) => {
  const keys = await store.parkedKeys('t')
  const events = await Promise.all(keys.map(({ key }) => store.parkedOf('t', 's', 0, key, 100)))
  return events.flat().sort((a, b) => a.offset - b.offset)
}
const letterOf = async (store: HomeStore, offset: number) =>
  (await store.listDeadLetters('t', 100)).find(letter => letter.offset === offset)

describe('a letter that is redriven', () => {
  it('becomes a parked event under a name of its own with its bytes as they were, and is marked in the same step', async () => {
    const store = await openStore()
    const value = Buffer.from([0, 255, 128])
    await store.putDeadLetter(letterAt(1, { value, key: 'a' }))
    await store.putDeadLetter(letterAt(2, { value: null, key: 'a' }))
    const job = await store.startRedrive(spec({ version: 'live' }), 40)
    expect(job).toMatchObject({ id: 1, state: 'running', redriven: 0, startedAtMs: 40, endedAtMs: null })
    expect(await store.advanceRedrive(1, step())).toMatchObject({
      job: { state: 'running', redriven: 2 },
      inFlight: [
        { partition: 0, offset: 1 },
        { partition: 0, offset: 2 },
      ],
    })
    const [event, other] = await parkedOf(store)
    expect(event).toMatchObject({
      ...{ offset: 1, key: loneKey(1), attempt: 1, failures: '[]', dueAtMs: 50, timestampMs: 1, version: 'live' },
    })
    expect(Buffer.from(event!.header).toString()).toBe('header 1')
    expect(Buffer.from(event!.value!).equals(value)).toBe(true)
    expect(other).toMatchObject({ offset: 2, key: loneKey(2), value: null })
    expect((await store.listDeadLetters('t', 9)).map(({ redrive }) => redrive)).toEqual([1, 1])
    expect(await store.parkedAt(placeOf(1))).toMatchObject({ offset: 1, redrive: 1 })
  })

  it('runs from where it is parked when a crash has left it there as well', async () => {
    const store = await openStore()
    await store.putDeadLetter(letterAt(1))
    const event = { key: 'k', header: Buffer.alloc(1), value: null, timestampMs: 1, attempt: 3, failures: '[]' }
    await store.park([{ ...placeOf(1), ...event, dueAtMs: 1 }])
    await store.startRedrive(spec(), 40)
    expect((await store.advanceRedrive(1, step()))?.inFlight).toHaveLength(1)
    expect(await parkedOf(store)).toMatchObject([{ key: 'k', attempt: 3 }])
    await store.unpark(placeOf(1))
    expect(await letterOf(store, 1)).toBeUndefined()
  })

  it('goes when its event is done', async () => {
    const store = await openStore()
    await store.putDeadLetter(letterAt(1))
    await store.startRedrive(spec(), 40)
    await store.advanceRedrive(1, step())
    await store.unpark(placeOf(1))
    expect(await store.countDeadLetters()).toEqual(new Map())
    expect(await parkedOf(store)).toEqual([])
    expect(await store.advanceRedrive(1, step({ nowMs: 60 }))).toMatchObject({
      job: { state: 'done', redriven: 1, succeeded: 1, failed: 0, endedAtMs: 60 },
      inFlight: [],
    })
  })

  it('is back with its whole history when its event dies again', async () => {
    const store = await openStore()
    await store.putDeadLetter(letterAt(1))
    await store.startRedrive(spec(), 40)
    await store.advanceRedrive(1, step())
    await store.putDeadLetter(letterAt(1, { message: 'worse', function: 'fn@4' }))
    // What follows a burial finds nothing to take out.
    await store.unpark(placeOf(1))
    const letter = await letterOf(store, 1)
    expect(letter).toMatchObject({ id: 1, message: 'worse', redriveCount: 1, redrive: 0, attempts: 2 })
    expect(JSON.parse(letter?.failures ?? '')).toEqual([
      { attempt: 1, message: 'no' },
      { attempt: 1, message: 'no', redrive: 1 },
    ])
    expect(await store.advanceRedrive(1, step())).toMatchObject({ job: { state: 'done', succeeded: 0, failed: 1 } })
    expect(await parkedOf(store)).toEqual([])
  })

  it('is not taken again after it failed so many redrives, except by force', async () => {
    const store = await openStore()
    await store.putDeadLetter(letterAt(1))
    for (let round = 1; round <= maxRedrives + 1; round++) {
      const { id } = await store.startRedrive(spec(), 40)
      const { job } = (await store.advanceRedrive(id, step()))!
      expect(job.redriven).toBe(round > maxRedrives ? 0 : 1)
      expect(job.state).toBe(round > maxRedrives ? 'done' : 'running')
      if (round <= maxRedrives) await store.putDeadLetter(letterAt(1))
    }
    const { id } = await store.startRedrive(spec({ force: true }), 40)
    expect((await store.advanceRedrive(id, step()))?.inFlight).toHaveLength(1)
  })

  it('keeps the version that its redrive wants when it is parked again for its next attempt', async () => {
    const store = await openStore()
    await store.putDeadLetter(letterAt(1))
    await store.startRedrive(spec({ version: '3' }), 40)
    await store.advanceRedrive(1, step())
    const [event] = await parkedOf(store)
    const { version: _version, ...rest } = event!
    await store.park([{ ...rest, attempt: 2 }])
    expect(await parkedOf(store)).toMatchObject([{ attempt: 2, version: '3' }])
  })

  it('of stage sink is parked with what it recorded, for as long as it is redriven', async () => {
    const store = await openStore()
    const results = JSON.stringify([{ meta: {}, contentType: 'text/plain', data: 'eA==' }])
    await store.putDeadLetter(letterAt(1, { stage: 'sink', results }))
    // It recorded something in an earlier life, and has died of its handler since.
    await store.putDeadLetter(letterAt(2, { stage: 'sink', results }))
    await store.putDeadLetter(letterAt(2))
    await store.startRedrive(spec(), 40)
    await store.advanceRedrive(1, step())
    const recorded = async () => (await parkedOf(store)).map(event => event.recorded)
    expect(await recorded()).toEqual([{ results, function: 'fn@3' }, undefined])
    // Parked again, as by a stop, it still has it.
    const [{ recorded: _recorded, ...event }] = (await parkedOf(store)) as [ParkedEvent]
    await store.park([event])
    expect(await recorded()).toEqual([{ results, function: 'fn@3' }, undefined])
    await store.forgetTrigger('t')
    await store.park([event])
    expect(await recorded()).toEqual([undefined])
  })

  it('can not be deleted, nor be taken by another redrive', async () => {
    const store = await openStore()
    await store.putDeadLetter(letterAt(1))
    await store.startRedrive(spec(), 40)
    await store.advanceRedrive(1, step())
    expect(await store.deleteDeadLetter('t', 1)).toBe('redriving')
    expect(await store.deleteDeadLetters('t', {}, { afterId: 0, upToId: 9 })).toEqual({ deleted: 0, next: undefined })
    await store.startRedrive(spec(), 41)
    expect(await store.advanceRedrive(2, step())).toMatchObject({ job: { state: 'done', redriven: 0 } })
  })

  it('lies still again when its trigger is deleted', async () => {
    const store = await openStore()
    await store.putDeadLetter(letterAt(1))
    await store.startRedrive(spec(), 40)
    await store.advanceRedrive(1, step())
    await store.forgetTrigger('t')
    expect(await letterOf(store, 1)).toMatchObject({ redrive: 0, redriveCount: 0 })
    expect(await store.redrives('t')).toMatchObject([{ state: 'cancelled', inFlight: 0 }])
    // An event that was still in a worker then may end afterwards.
    await store.unpark(placeOf(1))
    expect(await letterOf(store, 1)).toBeDefined()
  })
})

describe('a redrive', () => {
  it('takes the oldest first, as many as it may at a time and in all', async () => {
    const store = await openStore()
    for (let offset = 1; offset <= 9; offset++) await store.putDeadLetter(letterAt(offset))
    await store.startRedrive(spec({ total: 5 }), 40)
    const taken = async () => (await parkedOf(store)).map(({ offset }) => offset)
    await store.advanceRedrive(1, step({ limit: 2 }))
    expect(await taken()).toEqual([1, 2])
    await store.advanceRedrive(1, step({ maxInFlight: 3 }))
    expect(await taken()).toEqual([1, 2, 3])
    await store.advanceRedrive(1, step({ maxInFlight: 3 }))
    expect(await taken()).toEqual([1, 2, 3])
    for (const offset of [1, 2, 3]) await store.unpark(placeOf(offset))
    await store.advanceRedrive(1, step())
    expect(await taken()).toEqual([4, 5])
    for (const offset of [4, 5]) await store.unpark(placeOf(offset))
    expect(await store.advanceRedrive(1, step())).toMatchObject({ job: { state: 'done', redriven: 5, succeeded: 5 } })
    expect((await store.listDeadLetters('t', 9)).map(({ offset }) => offset)).toEqual([9, 8, 7, 6])
  })

  it('takes what matches and nothing that came later or never was an event', async () => {
    const store = await openStore()
    await store.putDeadLetter(letterAt(1, { reason: 'timeout' }))
    await store.putDeadLetter(letterAt(2))
    await store.putDeadLetter(letterAt(3, { reason: 'timeout', stage: 'source' }))
    await store.putDeadLetter(letterAt(4, { reason: 'timeout' }))
    await store.putDeadLetter(letterAt(5, { reason: 'timeout' }))
    await store.startRedrive(spec({ filter: { reason: 'timeout' }, upToId: 4 }), 40)
    await store.advanceRedrive(1, step())
    expect((await parkedOf(store)).map(({ offset }) => offset)).toEqual([1, 4])
  })

  it('holds little of large letters in flight, but never nothing', async () => {
    const store = await openStore()
    const value = Buffer.alloc(20 * 1024 * 1024)
    for (const offset of [1, 2]) await store.putDeadLetter(letterAt(offset, { value }))
    await store.startRedrive(spec(), 40)
    expect((await store.advanceRedrive(1, step()))?.inFlight).toHaveLength(1)
    expect((await store.advanceRedrive(1, step()))?.inFlight).toHaveLength(1)
    await store.unpark(placeOf(1))
    expect((await store.advanceRedrive(1, step()))?.inFlight).toHaveLength(1)
  })

  it('holds little of large results in flight, where they go out again', async () => {
    const store = await openStore()
    const results = JSON.stringify([{ meta: {}, contentType: 'text/plain', data: 'A'.repeat(20 * 1024 * 1024) }])
    for (const offset of [1, 2]) await store.putDeadLetter(letterAt(offset, { results, stage: 'sink' }))
    for (const offset of [3, 4]) await store.putDeadLetter(letterAt(offset, { results }))
    await store.startRedrive(spec(), 40)
    expect((await store.advanceRedrive(1, step()))?.inFlight).toHaveLength(1)
    await store.unpark(placeOf(1))
    expect((await store.advanceRedrive(1, step()))?.inFlight).toHaveLength(3)
  })

  it('searches far apart letters step by step', async () => {
    const store = await openStore()
    const puts: Promise<void>[] = []
    for (let offset = 1; offset <= 4_500; offset++)
      puts.push(store.putDeadLetter(letterAt(offset, offset === 4_400 ? { message: 'this one' } : {})))
    await Promise.all(puts)
    await store.startRedrive(spec({ filter: { text: 'this one' }, upToId: 4_500 }), 40)
    expect(await store.advanceRedrive(1, step())).toMatchObject({ inFlight: [], isSearching: true })
    expect(await store.advanceRedrive(1, step())).toMatchObject({ inFlight: [], isSearching: true })
    expect(await store.advanceRedrive(1, step())).toMatchObject({ inFlight: [{ offset: 4_400 }], isSearching: false })
  })

  it('is cancelled: nothing more is taken, and what is in flight comes to its end', async () => {
    const store = await openStore()
    for (const offset of [1, 2, 3]) await store.putDeadLetter(letterAt(offset))
    await store.startRedrive(spec(), 40)
    await store.advanceRedrive(1, step({ limit: 2 }))
    expect(await store.cancelRedrive(1, 45)).toMatchObject({ state: 'cancelled', endedAtMs: 45 })
    expect(await store.advanceRedrive(1, step())).toMatchObject({
      job: { redriven: 2 },
      inFlight: [{ offset: 1 }, { offset: 2 }],
    })
    await store.unpark(placeOf(1))
    await store.putDeadLetter(letterAt(2))
    expect(await store.redrives('t')).toMatchObject([{ state: 'cancelled', succeeded: 1, failed: 1, inFlight: 0 }])
    expect(await store.cancelRedrive(99, 1)).toBeUndefined()
  })

  it('goes on where it was after the file was closed and opened', async () => {
    const dir = temporaryDir()
    const store = await openStore(dir)
    for (const offset of [1, 2, 3]) await store.putDeadLetter(letterAt(offset))
    await store.startRedrive(spec({ ratePerS: 5 }), 40)
    await store.advanceRedrive(1, step({ limit: 1 }))
    await store.close()
    const again = await openStore(dir)
    expect(await again.redrives()).toMatchObject([{ state: 'running', redriven: 1, inFlight: 1, ratePerS: 5 }])
    await again.advanceRedrive(1, step())
    expect((await parkedOf(again)).map(({ offset }) => offset)).toEqual([1, 2, 3])
  })

  it('is forgotten when a hundred newer ones have ended', async () => {
    const store = await openStore()
    for (let round = 1; round <= 103; round++) {
      const { id } = await store.startRedrive(spec(), round)
      if (round > 1) await store.cancelRedrive(id, round)
    }
    const ids = (await store.redrives('t')).map(({ id }) => id)
    // The first one still runs.
    expect([ids.length, ids.at(-1), ids.at(-2)]).toEqual([102, 1, 3])
  })

  it('counts every letter once and loses none, whatever happens in whatever order', { timeout: 60_000 }, async () => {
    const store = await openStore()
    let round = 0
    const act = fc.record({
      kind: fc.constantFrom('die', 'take', 'take', 'succeed', 'succeed', 'fail', 'cancel', 'start', 'delete', 'forget'),
      offset: fc.integer({ min: 1, max: 6 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 40 }), async acts => {
        const trigger = `t${round++}`
        const place = (offset: number) => ({ ...placeOf(offset), trigger })
        /** What must be: letters that lie still, and events that are in flight, by offset. */
        const resting = new Set<number>()
        const flying = new Map<number, number>()
        const jobs: number[] = []
        for (const { kind, offset } of acts) {
          const job = jobs.at(-1)
          if (kind === 'die' && !flying.has(offset)) {
            await store.putDeadLetter(letterAt(offset, { trigger, key: `k${offset}` }))
            resting.add(offset)
          } else if (kind === 'start') {
            const upToId = await store.lastDeadLetter(trigger)
            jobs.push((await store.startRedrive(spec({ trigger, upToId, force: true }), 1)).id)
          } else if (kind === 'take' && job !== undefined) {
            for (const taken of (await store.advanceRedrive(job, step({ limit: 2 })))!.inFlight) {
              if (flying.get(taken.offset) === job) continue
              expect(resting.delete(taken.offset)).toBe(true)
              flying.set(taken.offset, job)
            }
          } else if (kind === 'succeed' && flying.delete(offset)) await store.unpark(place(offset))
          else if (kind === 'fail' && flying.delete(offset)) {
            await store.putDeadLetter(letterAt(offset, { trigger, key: `k${offset}` }))
            await store.unpark(place(offset))
            resting.add(offset)
          } else if (kind === 'cancel' && job !== undefined) await store.cancelRedrive(job, 1)
          else if (kind === 'delete') {
            await store.deleteDeadLetters(trigger, { key: `k${offset}` }, { afterId: 0, upToId: 1e9 })
            resting.delete(offset)
          } else if (kind === 'forget' && offset === 1) {
            await store.forgetTrigger(trigger)
            for (const one of flying.keys()) resting.add(one)
            flying.clear()
          }
        }
        const letters = await store.listDeadLetters(trigger, 100)
        const still = letters.filter(({ redrive }) => redrive === 0).map(letter => letter.offset)
        const moving = letters.filter(({ redrive }) => redrive !== 0).map(letter => letter.offset)
        expect(still.sort()).toEqual([...resting].sort())
        expect(moving.sort()).toEqual([...flying.keys()].sort())
        const parked = await store.parkedKeys(trigger)
        expect(parked.map(({ key }) => Number(key.slice(1))).sort()).toEqual([...flying.keys()].sort())
        const isForgotten = acts.some(({ kind, offset }) => kind === 'forget' && offset === 1)
        for (const { id, redriven, succeeded, failed, inFlight } of await store.redrives(trigger)) {
          expect(inFlight).toBe([...flying.values()].filter(job => job === id).length)
          if (!isForgotten) expect(redriven).toBe(succeeded + failed + inFlight)
        }
      }),
      { numRuns: 60 },
    )
  })
})
