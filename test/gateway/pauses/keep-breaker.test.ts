import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { keepBreaker } from '../../../src/gateway/pauses/keep-breaker.ts'
import { PauseBoard, type PauseEnforcer } from '../../../src/gateway/pauses/pause-board.ts'
import type { PauseScope } from '../../../src/gateway/pauses/pause-scope.ts'
import type { HomeStore, PauseRecord } from '../../../src/store/home-store.ts'
import { openSqliteStore } from '../../../src/store/sqlite-store.ts'

let dir: string
let store: HomeStore
let board: PauseBoard
const told: string[] = []
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-breaker-'))
  store = await openSqliteStore({ dir, onFatal: () => undefined })
  board = await PauseBoard.open(store, 1)
  told.length = 0
  board.attach(enforcer)
})
afterEach(async () => {
  await store.close()
  rmSync(dir, { recursive: true, force: true })
})

const enforcer: PauseEnforcer = {
  enforce: (_scope, { by }) => Promise.resolve(void told.push(`paused by ${by}`)),
  release: () => Promise.resolve(void told.push('resumed')),
}
const scope: PauseScope = { kind: 'trigger', trigger: 'u1' }
const person = { reason: 'hands off', by: 'ada' }
const byBreaker = (failedProbes: number): PauseRecord => ({
  reason: 'it fails',
  by: 'breaker',
  sinceMs: 5,
  failedProbes,
})
const kept = async (): Promise<PauseRecord | undefined> => (await store.pauses()).get('trigger:u1')

describe('the pause of a circuit breaker', () => {
  it('is durable with how often probing has failed, and is there after a restart', async () => {
    await keepBreaker(board, 'u1').opened(byBreaker(0))
    await keepBreaker(board, 'u1').opened(byBreaker(3))
    expect(await kept()).toEqual(byBreaker(3))
    expect((await PauseBoard.open(store, 10)).of(scope)).toEqual(byBreaker(3))
  })

  it('ends when the breaker closes, durably', async () => {
    const keeper = keepBreaker(board, 'u1')
    await keeper.opened(byBreaker(0))
    await keeper.closed()
    expect([board.of(scope), await kept()]).toEqual([undefined, undefined])
    expect(told).toEqual(['paused by breaker', 'resumed'])
  })

  it('never replaces and never ends what a person has paused, not even one with the same name', async () => {
    const keeper = keepBreaker(board, 'u1')
    await board.pause(scope, { ...person, by: 'breaker' }, 2)
    await keeper.opened(byBreaker(0))
    await keeper.closed()
    expect(await kept()).toEqual({ ...person, by: 'breaker', sinceMs: 2 })
  })

  it('is taken over by a person who pauses as well: the breaker does not end it any more', async () => {
    const keeper = keepBreaker(board, 'u1')
    await keeper.opened(byBreaker(2))
    await board.pause(scope, person, 9)
    await keeper.closed()
    expect(await kept()).toEqual({ ...person, sinceMs: 5 })
    expect(told.at(-1)).toBe('paused by ada')
  })

  it('loses the race against a person, whoever is first', async () => {
    const keeper = keepBreaker(board, 'u1')
    await keeper.opened(byBreaker(0))
    await Promise.all([keeper.closed(), board.pause(scope, person, 9)])
    expect([board.of(scope)?.by, (await kept())?.by]).toEqual(['ada', 'ada'])
    await board.resume(scope)
    await Promise.all([keeper.opened(byBreaker(0)), board.pause(scope, person, 9)])
    expect([board.of(scope)?.by, (await kept())?.by]).toEqual(['ada', 'ada'])
    expect(told.at(-1)).toBe('paused by ada')
  })

  it('stays as it was when the store does not take its end', async () => {
    const keeper = keepBreaker(board, 'u1')
    await keeper.opened(byBreaker(1))
    vi.spyOn(store, 'resume').mockRejectedValueOnce(new Error('disk full'))
    await expect(keeper.closed()).rejects.toThrow('disk full')
    expect(board.of(scope)).toEqual(byBreaker(1))
  })
})
