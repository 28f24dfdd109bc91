import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PauseExpiries } from '../../../src/gateway/duties/pause-expiries.ts'
import { PauseBoard, type PauseEnforcer } from '../../../src/gateway/pauses/pause-board.ts'
import { formatPauseScope, type PauseScope } from '../../../src/gateway/pauses/pause-scope.ts'
import type { HomeStore } from '../../../src/store/home-store.ts'
import { openSqliteStore } from '../../../src/store/sqlite-store.ts'

let dir: string
let store: HomeStore
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-pauses-'))
  store = await openSqliteStore({ dir, onFatal: () => undefined })
})
afterEach(async () => {
  await store.close()
  rmSync(dir, { recursive: true, force: true })
})

const key: PauseScope = { kind: 'key', trigger: 'u1', key: 'a:b' }
const partition: PauseScope = { kind: 'partition', trigger: 'u1', partition: 3 }
const why = { reason: 'test', by: 'me' }

/** Notes what it is told, and confirms when the test says so. */
class NotedEnforcer implements PauseEnforcer {
  readonly told: string[] = []
  confirm: Promise<void> = Promise.resolve()

  async enforce(scope: PauseScope): Promise<void> {
    this.told.push(`enforce ${formatPauseScope(scope)}`)
    await this.confirm
  }

  release(scope: PauseScope): Promise<void> {
    this.told.push(`release ${formatPauseScope(scope)}`)
    return Promise.resolve()
  }
}

async function open(): Promise<{ board: PauseBoard; enforcer: NotedEnforcer }> {
  const board = await PauseBoard.open(store, 1_000)
  const enforcer = new NotedEnforcer()
  board.attach(enforcer)
  return { board, enforcer }
}

describe('a pause on the board', () => {
  it('counts for whatever starts from the moment that it is asked for, and is durable when it is confirmed', async () => {
    const { board, enforcer } = await open()
    const gate = Promise.withResolvers<void>()
    enforcer.confirm = gate.promise
    const pausing = board.pause(key, why, 5)
    expect(board.of(key)).toEqual({ ...why, sinceMs: 5 })
    expect(board.partsOf('u1').keys.has('a:b')).toBe(true)
    await vi.waitFor(() => expect(enforcer.told).toEqual(['enforce key:u1:a:b']))
    expect(board.all[0]?.isConfirmed).toBe(false)
    expect((await store.pauses()).has('key:u1:a:b')).toBe(true)
    gate.resolve()
    expect((await pausing).isConfirmed).toBe(true)
  })

  it('keeps since when it is, when it is repeated with another reason and end', async () => {
    const { board } = await open()
    await board.pause(partition, why, 5)
    const { id, record } = await board.pause(partition, { reason: 'more', by: 'you', expiresAtMs: 9_000 }, 7)
    expect(record).toEqual({ reason: 'more', by: 'you', sinceMs: 5, expiresAtMs: 9_000 })
    expect(board.byId(id)?.scope).toEqual(partition)
    expect(board.all.length).toBe(1)
  })

  it('never was when the store does not take it', async () => {
    const { board, enforcer } = await open()
    vi.spyOn(store, 'pause').mockRejectedValueOnce(new Error('disk full'))
    await expect(board.pause(key, why, 5)).rejects.toThrow('disk full')
    expect(board.all).toEqual([])
    expect(enforcer.told).toEqual(['release key:u1:a:b'])
  })

  it('stays when the store does not take its end', async () => {
    const { board, enforcer } = await open()
    await board.pause(key, why, 5)
    vi.spyOn(store, 'resume').mockRejectedValueOnce(new Error('disk full'))
    await expect(board.resume(key)).rejects.toThrow('disk full')
    expect(board.of(key)).toBeDefined()
    expect(enforcer.told).toEqual(['enforce key:u1:a:b'])
  })

  it('is there after a restart, with everything that it says', async () => {
    const { board } = await open()
    await board.pause(key, { ...why, expiresAtMs: 9_000 }, 5)
    await board.pause(partition, why, 6)
    const again = await PauseBoard.open(store, 2_000)
    expect(again.all).toEqual(board.all)
    expect(again.partsOf('u1').partitions.get(3)).toEqual({ ...why, sinceMs: 6 })
  })

  it('is over after a restart when its time passed while the gateway was down', async () => {
    const { board } = await open()
    await board.pause(key, { ...why, expiresAtMs: 9_000 }, 5)
    expect((await PauseBoard.open(store, 9_000)).all).toEqual([])
    expect((await store.pauses()).size).toBe(0)
  })

  it('goes with the trigger that it is of, in memory and in the store', async () => {
    const { board } = await open()
    await board.pause(key, why, 5)
    await board.pause(partition, why, 5)
    await board.pause({ kind: 'key', trigger: 'u10', key: 'a' }, why, 5)
    await store.forgetTrigger('u1')
    board.forget(scope => 'trigger' in scope && scope.trigger === 'u1')
    expect(board.all.map(({ scope }) => formatPauseScope(scope))).toEqual(['key:u10:a'])
    expect([...(await store.pauses()).keys()]).toEqual(['key:u10:a'])
  })
})

describe('a pause with an end', () => {
  it('ends by itself, and one without does not', async () => {
    const { board, enforcer } = await open()
    const failures: unknown[] = []
    const duty = new PauseExpiries(board, error => failures.push(error))
    duty.start()
    try {
      await board.pause(partition, why, Date.now())
      const refused = vi.spyOn(store, 'resume').mockRejectedValueOnce(new Error('busy'))
      await board.pause(key, { ...why, expiresAtMs: Date.now() + 20 }, Date.now())
      // The first try is refused by the store, so it is told and tried again.
      await vi.waitFor(() => expect(enforcer.told).toContain('release key:u1:a:b'), { timeout: 10_000 })
      expect(refused).toHaveBeenCalledTimes(2)
      expect(failures.length).toBe(1)
      expect(board.all.map(({ scope }) => scope)).toEqual([partition])
    } finally {
      duty.stop()
    }
  })
})
