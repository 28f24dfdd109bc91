import { describe, expect, it } from 'vitest'
import { referredHashes } from '../../../src/gateway/duties/artifact-collector.ts'
import { expired } from '../../../src/gateway/duties/expiries.ts'
import { stateOf } from '../../registry/planned-state.ts'
import { codeOf, publish, putFunction, triggerOf } from '../../registry/registry-fixtures.ts'

describe('what expires', () => {
  const trigger = { kind: 'put-trigger', name: 'dev', managedBy: 'api', definition: triggerOf('dev') } as const
  const state = stateOf([
    putFunction('dev', 1, { expiresAtMs: 100 }),
    { ...trigger, expiresAtMs: 100 },
    putFunction('kept'),
  ])

  it('goes when its time is over, triggers first, and nothing else', () => {
    expect(expired(state, 99)).toEqual([])
    expect(expired(state, 100)).toEqual([
      { kind: 'delete-trigger', name: 'dev' },
      { kind: 'delete-function', name: 'dev' },
    ])
  })
})

describe('code that is referred to', () => {
  it('is that of latest and of every published version', () => {
    const state = stateOf([putFunction('a', 1)], [publish('a', 1)], [putFunction('a', 2)], [putFunction('b', 3)])
    expect(referredHashes(state)).toEqual(new Set([1, 2, 3].map(seed => codeOf(seed).hash)))
  })
})
