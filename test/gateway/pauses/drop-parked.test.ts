import { describe, expect, it } from 'vitest'
import { encodeEventHeader } from '../../../src/events/event-header-codec.ts'
import { buryParked, parkedWithin, type ParkedScope } from '../../../src/gateway/pauses/drop-parked.ts'
import type { HomeStore, ParkedEvent } from '../../../src/store/home-store.ts'
import { loneKey } from '../../../src/store/parked-key.ts'
import { openStore } from '../../store/store-fixture.ts'

const headerOf = (id: string, key: string): Buffer =>
  encodeEventHeader({
    ...{ id, source: '/test', type: 'test', acceptedAtMs: 7, hops: 0 },
    ...(key === '' ? {} : { partitionkey: key }),
  })

const parked = (offset: number, key: string, more: Partial<ParkedEvent> = {}): ParkedEvent => ({
  ...{ trigger: 't', stream: 's', partition: 0, offset, key, header: headerOf(`e${offset}`, key) },
  ...{ value: Buffer.from([offset, 255]), timestampMs: 7, attempt: 1, failures: '[]', dueAtMs: 5 },
  ...more,
})

const drop = { functionName: 'price', by: 'ada', nowMs: 99 }

async function buryAll(store: HomeStore, scope: ParkedScope): Promise<number> {
  return buryParked(store, scope, await parkedWithin(store, scope), drop)
}

const left = async (store: HomeStore): Promise<string[]> =>
  (await store.parkedKeys('t')).map(({ partition, key, events }) => `${partition} ${key.replace('\0', '~')} ${events}`)

const scope = { trigger: 't', stream: 's' }

describe('parked events that are dropped', () => {
  it('are dead letters with their bytes, their key and their attempts, and parked no longer', async () => {
    const store = await openStore()
    const failures = JSON.stringify([{ attempt: 1, version: '3', atMs: 8, message: 'no' }])
    await store.park([parked(1, 'a', { failures, attempt: 2 }), parked(2, loneKey(2), { header: headerOf('e2', 'b') })])
    await store.park([parked(3, loneKey(3), { header: headerOf('e3', ''), value: null })])
    expect(await buryAll(store, scope)).toBe(3)
    expect(await left(store)).toEqual([])
    const letters = await store.listDeadLetters('t', 9)
    expect(letters.toSorted((x, y) => x.offset - y.offset)).toMatchObject([
      {
        ...{ offset: 1, eventId: 'e1', key: 'a', stage: 'handler', function: 'price@3', reason: 'dropped' },
        ...{
          message: 'dropped by ada while it was parked',
          failures,
          attempts: 1,
          firstSeenAtMs: 7,
          lastAttemptAtMs: 8,
        },
      },
      { offset: 2, eventId: 'e2', key: 'b', function: '', attempts: 0, lastAttemptAtMs: 99 },
      { offset: 3, eventId: 'e3', key: '', value: null },
    ])
    expect(Buffer.from(letters.find(({ offset }) => offset === 1)!.value!)).toEqual(Buffer.from([1, 255]))
  })

  it('of a key are those of all partitions and those that wait alone, and no others', async () => {
    const store = await openStore()
    const many = Array.from({ length: 70 }, (_, index) => parked(index + 10, 'a'))
    await store.park([...many, parked(1, 'a', { partition: 1 }), parked(2, 'b'), parked(3, 'a', { trigger: 'other' })])
    await store.park([parked(4, loneKey(4), { header: headerOf('e4', 'a') })])
    await store.park([parked(5, loneKey(5), { header: headerOf('e5', 'b') })])
    // A key may begin with a zero byte, and be no place.
    await store.park([parked(6, '\0a')])
    expect(await buryAll(store, { ...scope, key: 'a' })).toBe(72)
    expect(await left(store)).toEqual(['0 ~5 1', '0 ~a 1', '0 b 1'])
    expect(await store.parkedKeys('other')).toHaveLength(1)
    expect(await buryAll(store, { ...scope, key: '\0a' })).toBe(1)
    expect(await buryAll(store, scope)).toBe(2)
  })

  it('are no letters that are being redriven', async () => {
    const store = await openStore()
    await store.park([parked(1, 'a')])
    await buryAll(store, scope)
    const spec = { trigger: 't', filter: {}, upToId: 9, total: 9, guarded: 0, force: false }
    await store.startRedrive(spec, 1)
    await store.advanceRedrive(1, { limit: 9, maxInFlight: 9, nowMs: 1 })
    expect(await buryAll(store, scope)).toBe(0)
    expect(await left(store)).toEqual(['0 ~1 1'])
  })

  it('are suspects no longer, so that a redrive may try them', async () => {
    const store = await openStore()
    await store.park([parked(1, 'a')])
    const place = { ...scope, partition: 0, offset: 1 }
    const suspect = { crashes: 1, isRunning: false, isExclusive: false, attempt: 2, failures: '[]', sinceMs: 1 }
    await store.putSuspect({ ...place, ...suspect })
    await buryAll(store, scope)
    expect(await store.suspectsOf('t', 's', 2)).toEqual([])
  })
})
