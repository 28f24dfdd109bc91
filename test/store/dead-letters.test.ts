import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { maxKeptFailures, type DeadLetterFilter, type DeadLetterPage } from '../../src/store/dead-letters.ts'
import type { HomeStore } from '../../src/store/home-store.ts'
import { letterAt, openStore, placeOf, temporaryDir } from './store-fixture.ts'

const offsets = async (store: HomeStore, filter: DeadLetterFilter, page: DeadLetterPage = {}): Promise<number[]> =>
  (await store.listDeadLetters('t', 100, { ...page, filter })).map(({ offset }) => offset)

const failuresOf = async (store: HomeStore, id: number): Promise<Record<string, unknown>[]> =>
  JSON.parse((await store.deadLetter('t', id))?.failures ?? '[]') as Record<string, unknown>[]

describe('a dead letter', () => {
  it('gives back every byte and everything that is known of it', async () => {
    const store = await openStore()
    const value = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const letter = letterAt(7, { value, stage: 'sink', results: '[{"meta":{}}]', key: 'ключ' })
    await store.putDeadLetter(letter)
    const [listed] = await store.listDeadLetters('t', 1)
    const whole = await store.deadLetter('t', listed?.id ?? 0)
    expect(whole).toEqual(listed)
    const { header, value: kept, ...rest } = whole!
    expect(Buffer.from(header).toString()).toBe('header 7')
    expect(Buffer.from(kept!).equals(value)).toBe(true)
    const { header: _header, value: _value, ...given } = letter
    expect(rest).toEqual({
      ...given,
      id: 1,
      createdAtMs: 17,
      attempts: 1,
      redriveCount: 0,
      redrive: 0,
      valueBytes: 256,
    })
    expect(await store.deadLetter('another', 1)).toBeUndefined()
  })

  it('keeps a tombstone apart from an empty value', async () => {
    const store = await openStore()
    await store.putDeadLetter(letterAt(1, { value: null }))
    await store.putDeadLetter(letterAt(2, { value: Buffer.alloc(0) }))
    expect((await store.listDeadLetters('t', 2)).map(({ value }) => value?.length)).toEqual([0, undefined])
  })

  it('stays the same letter, with every attempt of all its lives, when its event dies again', async () => {
    const store = await openStore()
    await store.putDeadLetter(letterAt(1, { results: '[{"meta":{}}]', stage: 'sink' }))
    await store.putDeadLetter(letterAt(1, { message: 'still no', function: 'fn@4', lastAttemptAtMs: 99 }))
    const [letter, ...others] = await store.listDeadLetters('t', 10)
    expect(others).toEqual([])
    expect(letter).toMatchObject({
      id: 1,
      message: 'still no',
      function: 'fn@4',
      attempts: 2,
      createdAtMs: 11,
      lastAttemptAtMs: 99,
      // What a sink did not take can be sent as long as nothing newer is there.
      results: '[{"meta":{}}]',
    })
    expect(await failuresOf(store, 1)).toHaveLength(2)
    expect(await store.countDeadLetters()).toEqual(new Map([['t', 1]]))
  })

  it('keeps its newest failures, and counts all of them', async () => {
    const store = await openStore()
    const failures = (from: number) =>
      JSON.stringify(Array.from({ length: maxKeptFailures }, (_, index) => ({ attempt: from + index })))
    await store.putDeadLetter(letterAt(1, { failures: failures(1) }))
    await store.putDeadLetter(letterAt(1, { failures: failures(maxKeptFailures + 1) }))
    expect((await failuresOf(store, 1)).at(0)).toEqual({ attempt: maxKeptFailures + 1 })
    expect(await failuresOf(store, 1)).toHaveLength(maxKeptFailures)
    expect((await store.deadLetter('t', 1))?.attempts).toBe(2 * maxKeptFailures)
  })

  it('takes the place of its parked copy in one step', async () => {
    const store = await openStore()
    const event = { key: 'k', header: Buffer.alloc(1), value: null, timestampMs: 1, attempt: 3, failures: '[]' }
    await store.park([{ ...placeOf(1), ...event, dueAtMs: 1 }])
    await store.putDeadLetter(letterAt(1))
    expect(await store.parkedKeys('t')).toEqual([])
  })
})

describe('dead letters', () => {
  it('are found by everything that they can be filtered by', async () => {
    const store = await openStore()
    await store.putDeadLetter(letterAt(1, { key: 'a', reason: 'timeout', message: 'Too Late' }))
    await store.putDeadLetter(letterAt(2, { key: 'b', stage: 'sink', function: 'fn@4' }))
    await store.putDeadLetter(letterAt(3, { key: 'a', function: 'other@4', message: '100 % of it' }))
    await store.putDeadLetter(letterAt(4, { trigger: 'u' }))
    expect(await offsets(store, {})).toEqual([3, 2, 1])
    expect(await offsets(store, { key: 'a' })).toEqual([3, 1])
    expect(await offsets(store, { eventId: 'e2' })).toEqual([2])
    expect(await offsets(store, { stage: 'sink' })).toEqual([2])
    expect(await offsets(store, { reason: 'timeout' })).toEqual([1])
    expect(await offsets(store, { function: 'fn' })).toEqual([2, 1])
    expect(await offsets(store, { version: '4' })).toEqual([3, 2])
    expect(await offsets(store, { function: 'fn', version: '4' })).toEqual([2])
    expect(await offsets(store, { text: 'too late' })).toEqual([1])
    expect(await offsets(store, { text: '0 % of' })).toEqual([3])
    expect(await offsets(store, { text: '%' })).toEqual([3])
    expect(await offsets(store, { fromMs: 12 })).toEqual([3, 2])
    expect(await offsets(store, { fromMs: 12, toMs: 13 })).toEqual([2])
    expect(await offsets(store, { ids: [1, 3, 4, 99] })).toEqual([3, 1])
    expect(await offsets(store, { key: 'a', reason: 'timeout', fromMs: 12 })).toEqual([])
    expect(await store.countMatching('t', { key: 'a' }, 10)).toBe(2)
    expect(await store.countMatching('t', {}, 2)).toBe(2)
    expect(await store.lastDeadLetter('t')).toBe(3)
    expect(await store.lastDeadLetter('nobody')).toBe(0)
  })

  it('come in pages, from either end', async () => {
    const store = await openStore()
    for (let offset = 1; offset <= 5; offset++) await store.putDeadLetter(letterAt(offset))
    const ids = async (limit: number, page: DeadLetterPage) =>
      (await store.listDeadLetters('t', limit, page)).map(({ id }) => id)
    expect(await ids(2, {})).toEqual([5, 4])
    expect(await ids(2, { beforeId: 4 })).toEqual([3, 2])
    expect(await ids(2, { afterId: 0 })).toEqual([1, 2])
    expect(await ids(9, { afterId: 2, upToId: 4 })).toEqual([3, 4])
  })

  it('fill a page by size as well as by number, but never leave it empty, and their data is cut where it is asked for', async () => {
    const store = await openStore()
    for (let offset = 1; offset <= 3; offset++)
      await store.putDeadLetter(letterAt(offset, { value: Buffer.alloc(10_000, offset) }))
    expect(await offsets(store, {}, { maxBytes: 100 })).toEqual([3])
    expect(await offsets(store, {}, { maxBytes: 25_000 })).toEqual([3, 2])
    const [cut] = await store.listDeadLetters('t', 1, { maxValueBytes: 4 })
    expect([cut?.value?.length, cut?.valueBytes]).toEqual([4, 10_000])
    expect(await offsets(store, {}, { maxBytes: 25_000, maxValueBytes: 4 })).toEqual([3, 2, 1])
  })

  it('are grouped by what became of them', async () => {
    const store = await openStore()
    await store.putDeadLetter(letterAt(1, { value: Buffer.alloc(5) }))
    await store.putDeadLetter(letterAt(2, { value: Buffer.alloc(6) }))
    await store.putDeadLetter(letterAt(3, { reason: 'timeout', stage: 'sink', results: '[{}]' }))
    const same = { function: 'fn@3', isRedriving: false, redriveCount: 0 }
    expect(await store.groupDeadLetters('t', {})).toEqual([
      {
        ...same,
        ...{ stage: 'handler', reason: 'error', letters: 2, bytes: 11 },
        ...{ firstCreatedAtMs: 11, lastCreatedAtMs: 12 },
      },
      {
        ...same,
        ...{ stage: 'sink', reason: 'timeout', letters: 1, bytes: 7 },
        ...{ firstCreatedAtMs: 13, lastCreatedAtMs: 13 },
      },
    ])
  })

  it('are deleted one by one, or step by step by a filter', async () => {
    const store = await openStore()
    const puts = Array.from({ length: 600 }, (_, index) =>
      store.putDeadLetter(letterAt(index + 1, { key: index % 2 === 0 ? 'a' : 'b' })),
    )
    await Promise.all(puts)
    expect(await store.deleteDeadLetter('t', 1)).toBe('deleted')
    expect(await store.deleteDeadLetter('t', 1)).toBe('absent')
    expect(await store.deleteDeadLetter('u', 2)).toBe('absent')
    let deleted = 0
    let steps = 0
    for (let next: number | undefined = 0; next !== undefined; steps++) {
      const step = await store.deleteDeadLetters('t', { key: 'a' }, { afterId: next, upToId: 598 })
      deleted += step.deleted
      next = step.next
    }
    expect([deleted, steps > 1]).toEqual([298, true])
    expect(await store.countMatching('t', { key: 'a' }, 999)).toBe(1)
    expect(await store.countDeadLetters()).toEqual(new Map([['t', 301]]))
  })

  it('are read by a thread that is started again when it died', async () => {
    const store = await openStore()
    await store.putDeadLetter(letterAt(1))
    const worker = new Promise<Worker>(resolve => process.once('worker', resolve))
    await store.lastDeadLetter('t')
    await (await worker).terminate()
    expect(await store.lastDeadLetter('t')).toBe(1)
  })
})

describe('a store of an earlier format', () => {
  it('is taken over with its letters and parked events', async () => {
    const dir = temporaryDir()
    const database = new DatabaseSync(join(dir, 'home.sqlite'))
    database.exec(`
      CREATE TABLE dead_letters (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        trigger TEXT NOT NULL, stream TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
        event_id TEXT NOT NULL, key TEXT NOT NULL, header BLOB NOT NULL, value BLOB,
        stage TEXT NOT NULL, function TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL,
        failures TEXT NOT NULL, results TEXT NOT NULL, created_at INTEGER NOT NULL,
        UNIQUE (trigger, stream, partition, offset)
      ) STRICT;
      CREATE TABLE parked (
        trigger TEXT NOT NULL, stream TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
        key TEXT NOT NULL, header BLOB NOT NULL, value BLOB, timestamp INTEGER NOT NULL,
        attempt INTEGER NOT NULL, failures TEXT NOT NULL, due_at INTEGER NOT NULL,
        PRIMARY KEY (trigger, stream, partition, offset)
      ) STRICT;
      INSERT INTO dead_letters VALUES (41, 't', 's', 2, 7, 'e', 'k', x'01', x'0203', 'sink', 'fn@3', 'r', 'm',
        '[{"attempt":1},{"attempt":2}]', '[{"meta":{}}]', 1000);
      INSERT INTO dead_letters VALUES (42, 'source:web', '', 0, 8, 'e', '', x'01', NULL, 'source', '', 'r', 'm', '[]', '', 1001);
      INSERT INTO parked VALUES ('t', 's', 2, 9, 'k', x'01', NULL, 5, 2, '[]', 6);
      PRAGMA user_version = 1;
    `)
    database.close()
    const store = await openStore(dir)
    expect(await store.deadLetter('t', 41)).toMatchObject({
      ...{ partition: 2, offset: 7, function: 'fn@3', attempts: 2, valueBytes: 2, redriveCount: 0 },
      ...{ firstSeenAtMs: 1000, createdAtMs: 1000, lastAttemptAtMs: 1000, results: '[{"meta":{}}]' },
    })
    expect(await store.deadLetter('source:web', 42)).toMatchObject({ function: '', value: null, attempts: 0 })
    expect(await store.countDeadLetters()).toEqual(
      new Map([
        ['source:web', 1],
        ['t', 1],
      ]),
    )
    const [event] = await store.parkedOf('t', 's', 2, 'k', 10)
    expect(event).toMatchObject({ offset: 9, attempt: 2 })
    expect(event).not.toHaveProperty('version')
    await store.putDeadLetter(letterAt(1))
    expect(await store.lastDeadLetter('t')).toBe(43)
  })

  it('of format 2 is taken over with its parked events, which keep the trace they get from then on', async () => {
    const dir = temporaryDir()
    await (await openStore(dir)).close()
    const database = new DatabaseSync(join(dir, 'home.sqlite'))
    database.exec(`
      ALTER TABLE parked DROP COLUMN trace; ALTER TABLE parked DROP COLUMN redrive; ALTER TABLE parked DROP COLUMN link;
      INSERT INTO parked VALUES ('t', 's', 2, 9, 'k', x'01', NULL, 5, 2, '[]', 6, 'v');
      PRAGMA user_version = 2;
    `)
    database.close()
    const store = await openStore(dir)
    const [event] = await store.parkedOf('t', 's', 2, 'k', 10)
    expect(event).toMatchObject({ offset: 9, version: 'v' })
    expect(event).not.toHaveProperty('trace')
    await store.park([{ ...event!, trace: 'a trace' }])
    expect(await store.parkedAt({ trigger: 't', stream: 's', partition: 2, offset: 9 })).toMatchObject({
      ...{ version: 'v', trace: 'a trace' },
    })
  })
})
