import { afterEach, describe, expect, it } from 'vitest'
import type { FunctionVersion } from '../../src/functions/function-version.ts'
import { createWorkerPool } from '../../src/workers/piscina-pool.ts'
import type { WorkerPool } from '../../src/workers/worker-pool.ts'
import { invocationOf, jsonOf, outcomesOf, roomIn, versionOf, type RecordedInvocation } from './worker-fixtures.ts'

let pool: WorkerPool

afterEach(async () => {
  await pool.close(0)
})

interface Run {
  readonly threadId: number
  readonly call: number
}

const meet = (people: number) => invocationOf({ act: 'meet', people })
const wait = (ms: number) => invocationOf({ ms })
const runOf = ({ outcomes }: RecordedInvocation) => (jsonOf(outcomes[0]) as Run[])[0]!
const kindsOf = (frame: readonly RecordedInvocation[]) => frame.map(({ outcomes }) => outcomes.map(({ kind }) => kind))

/** A pool that knows of its function that it waits. */
async function poolOf(changes: Partial<FunctionVersion> = {}, workers = 1): Promise<void> {
  pool = createWorkerPool(versionOf('meeting.mjs', changes))
  pool.setWorkers(workers)
  for (let frame = 0; frame < 3; frame++)
    await outcomesOf(
      pool,
      Array.from({ length: 8 }, () => wait(20)),
    )
  await roomIn(pool)
}

describe('a frame that finds all workers busy', () => {
  it('begins beside handlers that wait', async () => {
    await poolOf()
    const [first, second] = [[meet(2)], [meet(2)]]
    const firstDone = outcomesOf(pool, first)
    expect(pool.freeSlots).toBe(0)
    expect(pool.room).toBe(7)
    const secondDone = outcomesOf(pool, second)
    // Until the worker says that it has it: one that hangs must not be filled.
    expect(pool.room).toBe(0)
    await Promise.all([firstDone, secondDone])
    expect(runOf(first[0]!).threadId).toBe(runOf(second[0]!).threadId)
    expect(pool.stats()).toMatchObject({ busy: 0, workers: 1 })
  })

  it('is done when its own events are, whichever frame came first', async () => {
    await poolOf()
    const long = [meet(3)]
    const longDone = outcomesOf(pool, long)
    await outcomesOf(pool, [wait(1)])
    expect(kindsOf(long)).toEqual([[]])
    expect(pool.stats().busy).toBe(1)
    expect(pool.room).toBe(7)
    await outcomesOf(pool, [meet(3), meet(3)])
    await longDone
  })

  it('waits for its turn when it has more events than there is room for', async () => {
    await poolOf({ concurrency: 3 })
    const long = [meet(2)]
    const longDone = outcomesOf(pool, long)
    expect(pool.room).toBe(2)
    const larger = [wait(1), wait(1), wait(1)]
    const largerDone = outcomesOf(pool, larger)
    // Nothing overtakes what waits.
    expect(pool.room).toBe(0)
    const last = [meet(2)]
    const lastDone = outcomesOf(pool, last)
    expect(kindsOf(larger)).toEqual([[], [], []])
    await pool.close(0)
    await Promise.all([longDone, largerDone, lastDone])
    expect(long[0]!.outcomes).toEqual([{ kind: 'not-started', interrupted: true }])
    for (const { outcomes } of [...larger, ...last]) expect(outcomes).toEqual([{ kind: 'not-started' }])
  })

  it('tells that there is room as soon as an event ends', async () => {
    await poolOf({ concurrency: 2 })
    const full = [meet(2), wait(5)]
    const fullDone = outcomesOf(pool, full)
    expect(pool.room).toBe(0)
    const { promise, resolve } = Promise.withResolvers<void>()
    pool.onFree = () => pool.room === 1 && resolve()
    await promise
    expect(kindsOf(full)).toEqual([[], ['succeeded']])
    pool.onFree = () => undefined
    await Promise.all([outcomesOf(pool, [meet(2)]), fullDone])
  })
})

describe('there is no room', () => {
  it('beside a handler that computes', async () => {
    pool = createWorkerPool(versionOf('busy.mjs', { environment: { COMPUTE_MS: '10' } }))
    pool.setWorkers(1)
    await outcomesOf(pool, [invocationOf({ ms: 10 }), invocationOf({ ms: 10 })])
    await roomIn(pool)
    const done = outcomesOf(pool, [invocationOf({ ms: 10 })])
    expect(pool.stats().busy).toBe(1)
    expect(pool.room).toBe(0)
    await done
  })

  it('where handlers run one at a time', async () => {
    await poolOf({ concurrency: 1 })
    const done = outcomesOf(pool, [wait(5)])
    expect(pool.room).toBe(0)
    await done
  })

  it.each([
    ['has had enough', wait(1), { maxCalls: 26, maxHeapShare: 1 }],
    ['a function has changed', invocationOf({ act: 'pollute' }), { maxHeapShare: 1 }],
  ])('in a worker that %s', async (_what, last, recycle) => {
    await poolOf({ recycle })
    const long = outcomesOf(pool, [wait(300)])
    expect(pool.room).toBe(7)
    await outcomesOf(pool, [last])
    expect(pool.stats().busy).toBe(1)
    expect(pool.room).toBe(0)
    await long
  })

  it('in as many busy workers as there are beyond the permitted ones', async () => {
    await poolOf({}, 2)
    await expect.poll(() => pool.freeSlots).toBe(2)
    const done = [outcomesOf(pool, [wait(300), wait(300)]), outcomesOf(pool, [wait(300)])]
    expect(pool.room).toBe(7)
    pool.setWorkers(1)
    expect(pool.room).toBe(6)
    pool.setWorkers(0)
    expect(pool.room).toBe(0)
    pool.setWorkers(1)
    await Promise.all(done)
  })
})

describe('an event that has to be alone', () => {
  const alone = (data: object) => Object.assign(invocationOf(data), { alone: true })

  it('joins nothing: one of the workers is left to it, and the others go on taking what comes', async () => {
    await poolOf({}, 2)
    await expect.poll(() => pool.freeSlots).toBe(2)
    const others = [outcomesOf(pool, [wait(300)]), outcomesOf(pool, [wait(300)])]
    const suspect = [alone({})]
    const suspectDone = outcomesOf(pool, suspect)
    expect(pool.room).toBe(7)
    await outcomesOf(pool, [wait(20)])
    expect(kindsOf(suspect)).toEqual([[]])
    await Promise.all([...others, suspectDone])
    expect(kindsOf(suspect)).toEqual([['succeeded']])
  })

  it('is joined by nothing', async () => {
    await poolOf()
    const done = outcomesOf(pool, [alone({ ms: 50 })])
    expect(pool.stats().busy).toBe(1)
    expect(pool.room).toBe(0)
    await done
  })

  it('waits until its only worker is free', async () => {
    await poolOf()
    const long = outcomesOf(pool, [wait(50)])
    const suspect = [alone({})]
    const suspectDone = outcomesOf(pool, suspect)
    expect(pool.room).toBe(0)
    await long
    await suspectDone
    expect(kindsOf(suspect)).toEqual([['succeeded']])
  })
})

describe('when a worker is ended, of the frames in it', () => {
  it('only the event that took too long is charged', async () => {
    await poolOf({ timeoutMs: 300 })
    const late = [invocationOf({ act: 'never' })]
    const lateDone = outcomesOf(pool, late)
    // What follows is not late when that is.
    await outcomesOf(pool, [wait(100)])
    const innocent = [meet(2), wait(1)]
    await Promise.all([lateDone, outcomesOf(pool, innocent)])
    expect(late[0]!.outcomes).toMatchObject([{ kind: 'failed', error: { reason: 'timeout' } }])
    expect(innocent[0]!.outcomes).toEqual([{ kind: 'not-started', interrupted: true }])
    expect(kindsOf(innocent)[1]).toEqual(['succeeded'])
    await outcomesOf(pool, [meet(2), meet(2)])
    expect(pool.stats()).toMatchObject({ killed: 1, busy: 0, leaked: 0 })
  })

  it('only the event that ended its process is charged', async () => {
    await poolOf()
    const innocent = [meet(2)]
    const innocentDone = outcomesOf(pool, innocent)
    const guilty = [invocationOf({ act: 'exit' })]
    await Promise.all([innocentDone, outcomesOf(pool, guilty)])
    expect(guilty[0]!.outcomes).toMatchObject([{ kind: 'failed', endedHost: true, error: { name: 'ProcessExit' } }])
    expect(innocent[0]!.outcomes).toEqual([{ kind: 'not-started', interrupted: true }])
  })

  it('all are suspects when none can be told apart, and the next frames run alone', async () => {
    await poolOf({ timeoutMs: 300 })
    const innocent = [meet(2)]
    const innocentDone = outcomesOf(pool, innocent)
    const looping = [invocationOf({ act: 'loop' })]
    await Promise.all([innocentDone, outcomesOf(pool, looping)])
    expect(kindsOf([...innocent, ...looping])).toEqual([['suspect'], ['suspect']])
    await roomIn(pool)
    const careful = outcomesOf(pool, [wait(5)])
    expect(pool.room).toBe(0)
    await careful
  })
})

describe('many frames that join whenever there is room', () => {
  /** Hands in frames of random sizes until all events are; resolves when they are done. */
  async function storm(events: number): Promise<readonly RecordedInvocation[]> {
    const all: RecordedInvocation[] = []
    const running = new Set<Promise<unknown>>()
    const begin = (most: number): void => {
      const size = Math.min(1 + Math.floor(Math.random() * most), events - all.length)
      if (size <= 0) return
      const frame = Array.from({ length: size }, () => wait(Math.random() * 9))
      all.push(...frame)
      const done: Promise<unknown> = pool.run(frame).then(() => running.delete(done))
      running.add(done)
    }
    const finished = Promise.withResolvers<void>()
    pool.onFree = () => {
      while (all.length < events && (pool.freeSlots > 0 || pool.room > 0)) begin(Math.max(pool.room, 1))
      if (all.length >= events) finished.resolve()
    }
    pool.onFree()
    await finished.promise
    while (running.size > 0) await Promise.all(running)
    return all
  }

  const callsOf = (runs: readonly Run[]): number => {
    const calls = new Map<number, number>()
    for (const { threadId, call } of runs) calls.set(threadId, Math.max(call, calls.get(threadId) ?? 0))
    return [...calls.values()].reduce((sum, most) => sum + most, 0)
  }

  it('run each event once', async () => {
    await poolOf({ concurrency: 3 }, 2)
    const all = await storm(1_500)
    expect(new Set(kindsOf(all).map(String))).toEqual(new Set(['succeeded']))
    // Those that came first are in no storm.
    expect(callsOf(all.map(runOf))).toBe(1_500 + 24)
    expect(pool.stats()).toMatchObject({ busy: 0, killed: 0, coldStarts: 2 })
  })

  it('let workers be replaced that have had enough', async () => {
    await poolOf({ recycle: { maxCalls: 50, maxHeapShare: 1 } }, 1)
    const all = await storm(600)
    expect(new Set(kindsOf(all).map(String))).toEqual(new Set(['succeeded']))
    expect(pool.stats()).toMatchObject({ busy: 0, killed: 0 })
  })
})
