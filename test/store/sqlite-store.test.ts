import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import type { SluiceError } from '../../src/errors/sluice-error.ts'
import type { NewDeadLetter } from '../../src/store/dead-letters.ts'
import type { HomeStore, ParkedEvent, PauseRecord } from '../../src/store/home-store.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'

const dirs: string[] = []
const stores: HomeStore[] = []
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true })
})

function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-store-'))
  dirs.push(dir)
  return dir
}

async function open(dir: string, onFatal: (error: SluiceError) => void = () => undefined): Promise<HomeStore> {
  const store = await openSqliteStore({ dir, onFatal })
  stores.push(store)
  return store
}

const letter = (offset: number, more: Partial<NewDeadLetter> = {}): NewDeadLetter => ({
  trigger: 't',
  stream: 's',
  partition: 0,
  offset,
  eventId: `e${offset}`,
  key: 'k',
  header: Buffer.from('header'),
  value: Buffer.from('value'),
  stage: 'handler',
  function: 'fn@latest',
  reason: 'error',
  message: 'no',
  failures: '[]',
  results: '',
  firstSeenAtMs: 1,
  lastAttemptAtMs: 1,
  ...more,
})

const parked = (offset: number, more: Partial<ParkedEvent> = {}): ParkedEvent => ({
  trigger: 't',
  stream: 's',
  partition: 0,
  offset,
  key: 'k',
  header: Buffer.from('header'),
  value: Buffer.from(`v${offset}`),
  timestampMs: 1,
  attempt: 1,
  failures: '[]',
  dueAtMs: 5,
  ...more,
})

describe('the SQLite store', () => {
  it('gives back after reopening what it took', async () => {
    const dir = newDir()
    const store = await open(dir)
    await store.putDeadLetter(letter(1, { value: null }))
    await store.putDeadLetter(letter(2))
    await store.park([parked(7), parked(8, { dueAtMs: 9 })])
    await store.pause('trigger:t', { reason: 'r', by: 'b', sinceMs: 3 })
    await store.close()
    const again = await open(dir)
    const letters = await again.listDeadLetters('t', 10)
    expect(letters.map(({ offset }) => offset)).toEqual([2, 1])
    expect(letters[1]?.value).toBeNull()
    expect(Buffer.from(letters[0]?.value ?? []).toString()).toBe('value')
    expect(await again.countDeadLetters()).toEqual(new Map([['t', 2]]))
    expect(await again.parkedKeys('t')).toEqual([{ partition: 0, key: 'k', events: 2, dueAtMs: 9, waitMs: 0 }])
    expect((await again.parkedOf('t', 's', 0, 'k', 1)).map(({ offset }) => offset)).toEqual([7])
    expect(await again.pauses()).toEqual(new Map([['trigger:t', { reason: 'r', by: 'b', sinceMs: 3 }]]))
    await again.unpark(parked(7))
    await again.resume('trigger:t')
    expect((await again.parkedOf('t', 's', 0, 'k', 9)).map(({ offset }) => offset)).toEqual([8])
    expect(await again.pauses()).toEqual(new Map())
  })

  it('takes over the pauses of a version that knew no end of them', async () => {
    const dir = newDir()
    const before = new DatabaseSync(join(dir, 'home.sqlite'))
    before.exec(`CREATE TABLE pauses (scope TEXT PRIMARY KEY, reason TEXT NOT NULL, paused_by TEXT NOT NULL,
      since INTEGER NOT NULL) STRICT; INSERT INTO pauses VALUES ('trigger:t', 'r', 'b', 3)`)
    before.close()
    const store = await open(dir)
    const ending = { reason: 'r', by: 'b', sinceMs: 4, expiresAtMs: 9 }
    await store.pause('key:t:k', ending)
    await store.close()
    expect(await (await open(dir)).pauses()).toEqual(
      new Map<string, PauseRecord>([
        ['trigger:t', { reason: 'r', by: 'b', sinceMs: 3 }],
        ['key:t:k', ending],
      ]),
    )
  })

  it('finds what it keeps of an event, by place and by id', async () => {
    const store = await open(newDir())
    const place = ({ trigger, stream, partition, offset }: NewDeadLetter | ParkedEvent) => ({
      ...{ trigger, stream, partition, offset },
    })
    const [first, second] = [letter(1, { eventId: 'a' }), letter(2, { trigger: 'u', eventId: 'a' })]
    const [older, younger] = [
      parked(8, { timestampMs: 3 }),
      parked(7, { timestampMs: 5, header: Buffer.from('..a..') }),
    ]
    for (const one of [first, second, letter(3)]) await store.putDeadLetter(one)
    await store.park([older, younger, parked(9, { trigger: 'u', timestampMs: 1 })])
    expect(await store.deadLetterAt(place(first))).toMatchObject({ offset: 1, message: 'no' })
    expect(await store.deadLetterAt(place(older))).toBeUndefined()
    expect(await store.parkedAt(place(younger))).toMatchObject({ offset: 7, dueAtMs: 5 })
    expect(await store.parkedAt(place(first))).toBeUndefined()
    expect(await store.oldestParked('t')).toMatchObject({ offset: 8 })
    expect(await store.oldestParked('nobody')).toBeUndefined()
    // 'header' holds an a, too: whoever asks looks at the header.
    expect((await store.placesOf('..a', 5)).map(({ offset }) => offset)).toEqual([7])
    expect((await store.placesOf('a', 1)).map(place => place.offset)).toEqual([2, expect.any(Number)])
    expect((await store.placesOf('a', 5)).slice(0, 2)).toEqual([place(second), place(first)])
  })

  it('keeps the last tick of every schedule and never lets it go back', async () => {
    const dir = newDir()
    const store = await open(dir)
    expect(await store.scheduleTick('nightly')).toBeUndefined()
    await store.putScheduleTick('nightly', 2_000_000_000_000)
    await store.putScheduleTick('nightly', 1_000)
    await store.putScheduleTick('__proto__', 5)
    await store.close()
    const again = await open(dir)
    expect(await again.scheduleTick('nightly')).toBe(2_000_000_000_000)
    expect(await again.scheduleTick('__proto__')).toBe(5)
    await again.putScheduleTick('nightly', 2_000_000_060_000)
    expect(await again.scheduleTick('nightly')).toBe(2_000_000_060_000)
  })

  it('tells of a parked key how long its last failure has to wait, beside when that ends', async () => {
    const store = await open(newDir())
    const failures = JSON.stringify([{ atMs: 1 }, { atMs: 4 }])
    await store.park([{ ...parked(7), failures }, parked(8)])
    expect(await store.parkedKeys('t')).toEqual([{ partition: 0, key: 'k', events: 2, dueAtMs: 5, waitMs: 1 }])
  })

  it('overwrites what stands at the same place instead of keeping it twice', async () => {
    const store = await open(newDir())
    await store.putDeadLetter(letter(1, { message: 'first' }))
    await store.putDeadLetter(letter(1, { message: 'second' }))
    await store.park([parked(1)])
    await store.park([parked(1, { attempt: 4 })])
    expect((await store.listDeadLetters('t', 10)).map(({ message }) => message)).toEqual(['second'])
    expect((await store.parkedOf('t', 's', 0, 'k', 10)).map(({ attempt }) => attempt)).toEqual([4])
  })

  it('keeps the attempts of an event that is parked once more after a crash, and takes another one at its place', async () => {
    const store = await open(newDir())
    await store.park([parked(1, { attempt: 4, failures: '[{"atMs":1}]' })])
    await store.park([parked(1)])
    expect(await store.parkedOf('t', 's', 0, 'k', 10)).toMatchObject([{ attempt: 4, failures: '[{"atMs":1}]' }])
    await store.park([parked(1, { header: Buffer.from('of another topic') })])
    expect(await store.parkedOf('t', 's', 0, 'k', 10)).toMatchObject([{ attempt: parked(1).attempt }])
  })

  it('refuses one call and keeps those beside it', async () => {
    const store = await open(newDir())
    const bad = letter(2, { message: null as unknown as string })
    const results = await Promise.allSettled([
      store.putDeadLetter(letter(1)),
      store.putDeadLetter(bad),
      store.park([parked(1), parked(2, { attempt: null as unknown as number })]),
      store.putDeadLetter(letter(3)),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
    expect(results[1]).toMatchObject({ reason: { code: 'SLUICE_STORE_WRITE' } })
    expect((await store.listDeadLetters('t', 10)).map(({ offset }) => offset)).toEqual([3, 1])
    // All of a call or nothing of it.
    expect(await store.parkedKeys('t')).toEqual([])
  })

  it('goes on after somebody else held the file locked', async () => {
    const dir = newDir()
    let fatal: SluiceError | undefined
    const store = await open(dir, error => (fatal = error))
    const other = new DatabaseSync(join(dir, 'home.sqlite'))
    other.exec('BEGIN IMMEDIATE')
    await expect(store.putDeadLetter(letter(1))).rejects.toMatchObject({ code: 'SLUICE_STORE_WRITE', retryable: true })
    other.exec('ROLLBACK')
    other.close()
    await store.putDeadLetter(letter(1))
    expect(fatal).toBeUndefined()
    expect(await store.countDeadLetters()).toEqual(new Map([['t', 1]]))
  })

  it('still answers what is asked of it while somebody else holds the file locked', async () => {
    const dir = newDir()
    const store = await open(dir)
    await store.putDeadLetter(letter(1))
    const other = new DatabaseSync(join(dir, 'home.sqlite'))
    other.exec('BEGIN IMMEDIATE')
    const kept = new Map([['t', 1]])
    // In one round with a change that is refused, and alone.
    const refused = expect(store.putDeadLetter(letter(2))).rejects.toMatchObject({ code: 'SLUICE_STORE_WRITE' })
    expect(await store.countDeadLetters()).toEqual(kept)
    await refused
    expect(await store.countDeadLetters()).toEqual(kept)
    other.exec('ROLLBACK')
    other.close()
  })

  it('refuses a file of a newer version and says which', async () => {
    const dir = newDir()
    const database = new DatabaseSync(join(dir, 'home.sqlite'))
    database.exec('PRAGMA user_version = 99')
    database.close()
    let told = 0
    await expect(openSqliteStore({ dir, onFatal: () => told++ })).rejects.toThrow(/has format 99.*use the version/)
    expect(told).toBe(0)
  })

  it('rejects what waits and tells it once when its thread dies', async () => {
    const dir = newDir()
    const fatal = Promise.withResolvers<SluiceError>()
    const created = new Promise<Worker>(resolve => process.once('worker', resolve))
    const store = await open(dir, error => fatal.resolve(error))
    const waiting = store.pauses()
    void (await created).terminate()
    const unanswered = store.putDeadLetter(letter(1))
    await waiting.catch(() => undefined)
    await expect(unanswered).rejects.toMatchObject({ code: 'SLUICE_STORE_FAILED', retryable: false })
    expect((await fatal.promise).code).toBe('SLUICE_STORE_FAILED')
    await expect(store.pauses()).rejects.toMatchObject({ code: 'SLUICE_STORE_FAILED' })
  })

  it('is closed twice without harm and takes nothing afterwards', async () => {
    const store = await open(newDir())
    const before = store.putDeadLetter(letter(1))
    await Promise.all([before, store.close(), store.close()])
    await expect(store.pauses()).rejects.toMatchObject({ code: 'SLUICE_STORE_FAILED' })
  })
})
