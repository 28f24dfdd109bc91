import { describe, expect, it } from 'vitest'
import { afterDecision, changeFor } from '../../../src/gateway/duties/rollouts.ts'
import { weightsAt } from '../../../src/gateway/duties/rollout-weights.ts'
import { planPutAlias, planStartRollout } from '../../../src/registry/plan-alias.ts'
import type { RolloutRecord } from '../../../src/registry/registry-records.ts'
import { after, stateOf } from '../../registry/planned-state.ts'
import { publish, putAlias, putFunction } from '../../registry/registry-fixtures.ts'

const served = stateOf(
  [putFunction('price', 1)],
  [publish('price', 1)],
  [putFunction('price', 2)],
  [publish('price', 2)],
  [putAlias('price', 'live', [[1, 100]])],
)
const plan = {
  function: 'price',
  alias: 'live',
  id: 'r',
  nowMs: 5,
  to: 2,
  steps: [10, 50, 100],
  stepMs: 1_000,
  bounds: { minInvocations: 1 },
}
const begun = after(served, planStartRollout(served, plan, weightsAt))
const rollout = begun.functions.get('price')?.aliases.get('live')?.rollout as RolloutRecord
const weightsOf = (next: RolloutRecord | undefined) => {
  const state = after(begun, changeFor(begun, 'price', 'live', next as RolloutRecord))
  return state.functions.get('price')?.aliases.get('live')
}

describe('a step of a rollout', () => {
  it('begins with the first percentage', () => {
    expect(begun.functions.get('price')?.aliases.get('live')?.weights).toEqual([
      { version: 1, weight: 90 },
      { version: 2, weight: 10 },
    ])
  })

  it('holds without writing anything', () => {
    expect(afterDecision(rollout, { kind: 'hold', reason: 'waiting' }, 9)).toBeUndefined()
  })

  it('advances, completes, and goes back to the weights before it began', () => {
    expect(weightsOf(afterDecision(rollout, { kind: 'advance', step: 1, reason: 'fine' }, 9))).toMatchObject({
      weights: [
        { version: 1, weight: 50 },
        { version: 2, weight: 50 },
      ],
      rollout: { state: 'running', step: 1, stepSinceMs: 9, reason: 'fine' },
    })
    expect(weightsOf(afterDecision(rollout, { kind: 'complete', reason: 'done' }, 9))).toMatchObject({
      weights: [{ version: 2, weight: 100 }],
      rollout: { state: 'completed', endedAtMs: 9 },
    })
    expect(weightsOf(afterDecision(rollout, { kind: 'roll-back', reason: 'errors' }, 9))).toMatchObject({
      weights: [{ version: 1, weight: 100 }],
      rollout: { state: 'rolled-back', reason: 'errors' },
    })
  })

  it('does nothing to an alias that somebody has moved meanwhile', () => {
    const moved = after(
      begun,
      planPutAlias(
        begun,
        { function: 'price', alias: 'live', description: '', weights: [{ version: 1, weight: 100 }] },
        7,
      ),
    )
    expect(moved.functions.get('price')?.aliases.get('live')?.rollout).toMatchObject({ state: 'aborted' })
    const next = afterDecision(rollout, { kind: 'advance', step: 1, reason: '' }, 9) as RolloutRecord
    expect(changeFor(moved, 'price', 'live', next)).toEqual([])
  })
})
