import { describe, expect, it, onTestFinished } from 'vitest'
import { Delivery, type DeliveryOwner } from '../../src/dispatch/delivery.ts'
import { AssignedWindow } from '../../src/dispatch/assigned-window.ts'
import { Lane } from '../../src/dispatch/lane.ts'
import { ParkedKeys } from '../../src/dispatch/parked-keys.ts'
import { encodeEventHeader } from '../../src/events/event-header-codec.ts'
import { createHomeEventReader } from '../../src/events/home-event-reader.ts'
import type { HomeStore, ParkedEvent } from '../../src/store/home-store.ts'

const feed = { trigger: 't', stream: 's', reader: createHomeEventReader(), headerDefaults: {} }
const owner: DeliveryOwner = { settled: () => undefined }
const window = new AssignedWindow(0, 1, 0, { maxEvents: 100, maxBytes: 1_000_000 })

function delivery(key: string, offset: number): Delivery {
  const header = encodeEventHeader({ id: String(offset), source: '/t', type: 't', acceptedAtMs: 1, hops: 0 })
  const record = { offset, timestampMs: 1, key: Buffer.from(key), value: Buffer.of(1), header, headers: null }
  return new Delivery(owner, new Lane(key, window), feed, record, 0, 1, offset)
}

/** A store in memory whose every answer the test may hold back or turn into a refusal. */
class ScriptedStore {
  readonly rows = new Map<number, ParkedEvent>()
  beforeRead: () => Promise<void> = () => Promise.resolve()
  beforeWrite: (events: readonly ParkedEvent[]) => Promise<void> = () => Promise.resolve()

  async park(events: readonly ParkedEvent[]): Promise<void> {
    await this.beforeWrite(events)
    for (const event of events) this.rows.set(event.offset, event)
  }

  async parkedOf(_trigger: string, _stream: string, _partition: number, key: string): Promise<readonly ParkedEvent[]> {
    const found = [...this.rows.values()].filter(row => row.key === key).sort((a, b) => a.offset - b.offset)
    await this.beforeRead()
    return found
  }

  unpark({ offset }: { offset: number }): Promise<void> {
    this.rows.delete(offset)
    return Promise.resolve()
  }
}

function open() {
  const store = new ScriptedStore()
  const ready: number[][] = []
  const lanes: Lane[] = []
  const problems: (string | undefined)[] = []
  const waiters: (() => void)[] = []
  const parked = new ParkedKeys({
    trigger: 't',
    stream: 's',
    store: store as unknown as HomeStore,
    owner,
    feed,
    now: Date.now,
    onReady: lane => {
      const offsets: number[] = []
      for (let next = lane.head; next !== undefined; next = next.next) offsets.push(next.record.offset)
      ready.push(offsets)
      lanes.push(lane)
      for (const wake of waiters.splice(0)) wake()
    },
    onBlocked: problem => problems.push(problem),
  })
  onTestFinished(() => parked.stop())
  const untilReady = async (times: number): Promise<void> => {
    while (ready.length < times) await new Promise<void>(resolve => waiters.push(resolve))
  }
  return { store, parked, ready, lanes, problems, untilReady }
}

describe('ParkedKeys', () => {
  it('runs what joins a key behind what is parked already, and forgets the key when all of it is done', async () => {
    const { store, parked, ready, lanes, untilReady } = open()
    await parked.park(0, 'a', [delivery('a', 1), delivery('a', 2)], 0)
    await parked.park(0, 'a', [delivery('a', 3)], 0)
    await untilReady(1)
    expect(ready).toEqual([[1, 2, 3]])
    expect(parked.has(0, 'a')).toBe(true)
    const lane = lanes[0] as Lane
    for (let next = lane.shift(); next !== undefined; next = lane.shift()) await parked.completed(next, false)
    expect(store.rows.size).toBe(0)
    expect(parked.has(0, 'a')).toBe(false)
  })

  it('loads an event whose write came in between a read and its answer', async () => {
    const { store, parked, ready, untilReady } = open()
    await parked.park(0, 'a', [delivery('a', 1)], 0)
    // The only row vanishes before it is read, so the read finds nothing; its answer comes after that of the next write.
    store.rows.clear()
    const reading = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    store.beforeRead = () => {
      reading.resolve()
      return gate.promise
    }
    await reading.promise
    store.beforeRead = () => Promise.resolve()
    await parked.park(0, 'a', [delivery('a', 2)], 0)
    gate.resolve()
    await untilReady(1)
    expect(ready).toEqual([[2]])
    expect(parked.has(0, 'a')).toBe(true)
  })

  it('loads nothing that came after an event whose write is refused for the time being', async () => {
    const { store, parked, ready, problems, untilReady } = open()
    let refusals = 1
    store.beforeWrite = ([event]) =>
      event?.offset === 1 && refusals-- > 0 ? Promise.reject(new Error('disk full')) : Promise.resolve()
    const first = parked.park(0, 'a', [delivery('a', 1)], 0)
    const second = parked.park(0, 'a', [delivery('a', 2)], 0)
    expect(await second).toBe(true)
    expect(await first).toBe(true)
    await untilReady(1)
    expect(ready).toEqual([[1, 2]])
    expect(problems.at(-1)).toBeUndefined()
  })

  it('has nothing in the store that came after an event whose write is refused: a process that died then would run it first', async () => {
    const { store, parked, problems } = open()
    store.beforeWrite = ([event]) => (event?.offset === 1 ? Promise.reject(new Error('locked')) : Promise.resolve())
    const writes = [1, 2, 3].map(offset => parked.park(0, 'a', [delivery('a', offset)], 0))
    const other = parked.park(0, 'b', [delivery('b', 4)], 0)
    expect(await other).toBe(true)
    expect(problems.at(-1)).toContain('locked')
    expect([...store.rows.keys()]).toEqual([4])
    parked.stop()
    expect(await Promise.all(writes)).toEqual([false, false, false])
  })

  it('says that all is well only when nothing is refused any more', async () => {
    const { store, parked, problems } = open()
    const refusals = new Map([
      [1, 1],
      [2, 2],
    ])
    store.beforeWrite = ([event]) => {
      const left = refusals.get(event?.offset ?? 0) ?? 0
      refusals.set(event?.offset ?? 0, left - 1)
      return left > 0 ? Promise.reject(new Error('disk full')) : Promise.resolve()
    }
    await Promise.all([
      parked.park(0, 'a', [delivery('a', 1)], 60_000),
      parked.park(0, 'b', [delivery('b', 2)], 60_000),
    ])
    expect(problems.filter(problem => problem === undefined).length).toBe(1)
    expect(problems.at(-1)).toBeUndefined()
  })

  it('keeps a key that begins with a zero byte', async () => {
    const { parked, lanes, untilReady } = open()
    const key = '\0\0\0\u0007device'
    await parked.park(0, key, [delivery(key, 1)], 0)
    await untilReady(1)
    expect(lanes[0]?.head?.record.key?.toString()).toBe(key)
  })
})
