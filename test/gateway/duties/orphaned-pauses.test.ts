import { describe, expect, it } from 'vitest'
import { isOrphaned, OrphanedPauses } from '../../../src/gateway/duties/orphaned-pauses.ts'
import type { KnownPause, PauseBoard } from '../../../src/gateway/pauses/pause-board.ts'
import type { PauseScope } from '../../../src/gateway/pauses/pause-scope.ts'
import type { Registry } from '../../../src/registry/registry.ts'
import { publish, putFunction } from '../../registry/registry-fixtures.ts'
import { stateOf } from '../../registry/planned-state.ts'

const state = stateOf([putFunction('a', 1)], [publish('a', 1)])
const ofVersion = (name: string, version: string): PauseScope => ({ kind: 'version', function: name, version })

describe('the pause of a version', () => {
  it('is orphaned when its function or its number is not there', () => {
    expect(isOrphaned(ofVersion('a', 'latest'), state)).toBe(false)
    expect(isOrphaned(ofVersion('a', '1'), state)).toBe(false)
    expect(isOrphaned(ofVersion('a', '2'), state)).toBe(true)
    expect(isOrphaned(ofVersion('b', 'latest'), state)).toBe(true)
    expect(isOrphaned({ kind: 'trigger', trigger: 'gone' }, state)).toBe(false)
  })

  it('is ended at the start, again when the store refuses, and no other one is', async () => {
    const scopes = [ofVersion('a', '1'), ofVersion('b', '3')]
    const ended: PauseScope[] = []
    const errors: unknown[] = []
    const done = Promise.withResolvers<void>()
    const board = {
      all: scopes.map(scope => ({ scope }) as KnownPause),
      resume: (scope: PauseScope) => {
        if (errors.length === 0) return Promise.reject(new Error('locked'))
        ended.push(scope)
        done.resolve()
        return Promise.resolve(true)
      },
    } as unknown as PauseBoard
    const registry = { state, listen: () => () => undefined } as unknown as Registry
    const duty = new OrphanedPauses(board, registry, error => errors.push(error))
    duty.start()
    await done.promise
    duty.stop()
    expect(errors).toHaveLength(1)
    expect(ended).toEqual([ofVersion('b', '3')])
  })
})
