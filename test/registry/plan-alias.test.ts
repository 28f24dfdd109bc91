import { describe, expect, it } from 'vitest'
import {
  planDeleteAlias,
  planEndRollout,
  planPutAlias,
  planStartRollout,
  type PutAliasPlan,
  type StartRolloutPlan,
} from '../../src/registry/plan-alias.ts'
import type { RegistryState, WeightedVersion } from '../../src/registry/registry-records.ts'
import { after, expectRefused, stateOf } from './planned-state.ts'
import { publish, putAlias, putFunction, putTrigger } from './registry-fixtures.ts'

const versions = stateOf([putFunction('price'), publish('price', 1), publish('price', 2), publish('price', 3)])
const live = after(versions, [putAlias('price', 'live', [[1, 90], [2, 10]])]) // prettier-ignore

function aliasPlan(
  weights: readonly (readonly [version: number, weight: number])[],
  overrides: Partial<PutAliasPlan> = {},
): PutAliasPlan {
  const entries = weights.map(([version, weight]) => ({ version, weight }))
  return { function: 'price', alias: 'live', description: '', weights: entries, ...overrides }
}

const rolloutPlan = (overrides: Partial<StartRolloutPlan> = {}): StartRolloutPlan => ({
  function: 'price',
  alias: 'live',
  id: 'rollout-1',
  nowMs: 5_000,
  to: 3,
  steps: [10, 50, 100],
  stepMs: 60_000,
  bounds: { minInvocations: 20, maxErrorRate: 0.1 },
  ...overrides,
})

const toOne = (_from: readonly WeightedVersion[], to: number, percent: number): WeightedVersion[] => [
  { version: 1, weight: 100 - percent },
  { version: to, weight: percent },
]

const aliasIn = (state: RegistryState) => state.functions.get('price')?.aliases.get('live')
const moving = after(live, planStartRollout(live, rolloutPlan(), toOne))

describe('putting an alias', () => {
  it('makes and moves it', () => {
    expect(planPutAlias(versions, aliasPlan([[1, 100]]), 1)).toEqual([putAlias('price', 'live', [[1, 100]])])
    const moved = planPutAlias(live, aliasPlan([[1, 33.33], [2, 33.33], [3, 33.34]], { description: 'thirds' }), 1) // prettier-ignore
    expect(aliasIn(after(live, moved))).toMatchObject({ description: 'thirds', weights: { length: 3 }, revision: 3 })
  })

  it('writes nothing when it is so already', () => {
    expect(planPutAlias(live, aliasPlan([[1, 90], [2, 10]]), 1)).toEqual([]) // prettier-ignore
  })

  it.each<[string, readonly (readonly [number, number])[], RegExp]>([
    ['a version that is not there', [[1, 50], [9, 50]], /weights\[1\]\.version: function price has no version 9/],
    ['a version that stands twice', [[1, 50], [1, 50]], /weights\[1\]\.version: version 1 stands twice/],
    ['a weight below 0', [[1, 110], [2, -10]], /weights\[0\]\.weight: a weight is 0 to 100/],
    ['a weight that is no number', [[1, NaN]], /weights\[0\]\.weight/],
    ['three decimals', [[1, 99.999], [2, 0.001]], /weights\[0\]\.weight: .* at most two decimals/],
    ['too much', [[1, 90], [2, 20]], /weights: they add up to 110, not to 100/],
    ['too little', [[1, 99.99]], /weights: they add up to 99\.99, not to 100/],
    ['nothing', [], /weights: they add up to 0, not to 100/],
  ])('refuses %s', (_what, weights, message) => {
    expectRefused(() => planPutAlias(live, aliasPlan(weights), 1), 'SLUICE_REGISTRY_INVALID', /price@live/, message)
  }) // prettier-ignore

  it('takes weights that floating point cannot add up', () => {
    const weights = [[1, 0.1], [2, 0.2], [3, 99.7]] as const // prettier-ignore
    expect(planPutAlias(live, aliasPlan(weights), 1)).toHaveLength(1)
  })

  it.each(['latest', '1', '1a', 'Live', '', 'x'.repeat(64), '__proto__'])('refuses the name %j', alias => {
    expectRefused(() => planPutAlias(live, aliasPlan([[1, 100]], { alias }), 1), 'SLUICE_REGISTRY_INVALID', 'alias: ')
  })

  it('takes a shadow that is there', () => {
    const shadow = { version: 3, percent: 5 }
    expect(planPutAlias(live, aliasPlan([[1, 100]], { shadow }), 1)).toMatchObject([{ shadow }])
    // The same weights with another shadow are a change.
    expect(planPutAlias(live, aliasPlan([[1, 90], [2, 10]], { shadow }), 1)).toHaveLength(1) // prettier-ignore
    for (const [bad, message] of [
      [{ version: 9, percent: 5 }, 'shadow.version: function price has no version 9'],
      [{ version: 3, percent: 0 }, 'shadow.percent'],
      [{ version: 3, percent: 101 }, 'shadow.percent'],
      [{ version: 3, percent: NaN }, 'shadow.percent'],
    ] as const)
      expectRefused(
        () => planPutAlias(live, aliasPlan([[1, 100]], { shadow: bad }), 1),
        'SLUICE_REGISTRY_INVALID',
        message,
      )
  })

  it('aborts a rollout that runs, and keeps one that does not get in its way', () => {
    expect(aliasIn(after(moving, planPutAlias(moving, aliasPlan([[2, 100]]), 7_000)))).toMatchObject({
      weights: [{ version: 2, weight: 100 }],
      rollout: { id: 'rollout-1', state: 'aborted', endedAtMs: 7_000 },
    })
    const described = planPutAlias(moving, aliasPlan([[1, 90], [3, 10]], { description: 'new words' }), 7_000) // prettier-ignore
    expect(aliasIn(after(moving, described))?.rollout).toEqual(aliasIn(moving)?.rollout)
    expect(aliasIn(after(moving, described))?.rollout?.state).toBe('running')
  })

  it('is refused for a function that is not there, is managed by the file, or was changed meanwhile', () => {
    const plan = aliasPlan([[1, 100]])
    expectRefused(() => planPutAlias(stateOf(), plan, 1), 'SLUICE_FUNCTIONS_NOT_FOUND')
    const declared = stateOf([putFunction('price', 1, { managedBy: 'config' }), publish('price', 1)])
    expectRefused(() => planPutAlias(declared, plan, 1), 'SLUICE_REGISTRY_MANAGED')
    expectRefused(
      () => planPutAlias(live, { ...plan, ifMatch: 1 }, 1),
      'SLUICE_REGISTRY_REVISION',
      'alias price@live is at revision 2, not 1',
    )
    expectRefused(() => planPutAlias(live, { ...plan, ifNoneMatch: true }, 1), 'SLUICE_REGISTRY_REVISION', 'exists')
  })
})

describe('deleting an alias', () => {
  const plan = { function: 'price', alias: 'live', force: false }

  it('is refused while a trigger needs it, unless forced', () => {
    const used = after(live, [putTrigger('t', 'price@live'), putTrigger('other', 'price@1')])
    expectRefused(() => planDeleteAlias(used, plan), 'SLUICE_REGISTRY_IN_USE', /alias price@live .* by trigger t;/)
    const deleted = after(used, planDeleteAlias(used, { ...plan, force: true }))
    expect(aliasIn(deleted)).toBeUndefined()
    expect(deleted.triggers.size).toBe(2)
    expect(planDeleteAlias(live, plan)).toHaveLength(1)
  })

  it('is refused for one that is not there', () => {
    expectRefused(() => planDeleteAlias(versions, plan), 'SLUICE_API_NOT_FOUND', 'function price has no alias live')
    expectRefused(() => planDeleteAlias(live, { ...plan, ifMatch: 9 }), 'SLUICE_REGISTRY_REVISION')
  })
})

describe('starting a rollout', () => {
  it('takes its first step and remembers the way back', () => {
    expect(aliasIn(moving)).toMatchObject({
      weights: [
        { version: 1, weight: 90 },
        { version: 3, weight: 10 },
      ],
      rollout: {
        id: 'rollout-1',
        state: 'running',
        from: [
          { version: 1, weight: 90 },
          { version: 2, weight: 10 },
        ],
        to: 3,
        steps: [10, 50, 100],
        step: 0,
        stepSinceMs: 5_000,
        startedAtMs: 5_000,
        bounds: { minInvocations: 20, maxErrorRate: 0.1 },
      },
    })
  })

  it('is refused while one runs, and for what cannot be rolled out', () => {
    const start = (state: RegistryState, overrides: Partial<StartRolloutPlan>) => () =>
      planStartRollout(state, rolloutPlan(overrides), toOne)
    expectRefused(start(moving, { to: 2 }), 'SLUICE_REGISTRY_ROLLOUT', 'price@live moves to version 3 already')
    expectRefused(start(live, { to: 9 }), 'SLUICE_REGISTRY_INVALID', 'to: function price has no version 9')
    const alone = after(versions, [putAlias('price', 'live', [[3, 100]])])
    expectRefused(start(alone, {}), 'SLUICE_REGISTRY_INVALID', 'to: version 3 serves all of it already')
    expectRefused(start(versions, {}), 'SLUICE_API_NOT_FOUND', 'no alias live')
    for (const [steps, field] of [
      [[], /steps: the last step must be 100/],
      [[10, 50], /steps: the last step must be 100/],
      [[10, 10, 100], /steps\[1\]: steps ascend/],
      [[0, 100], /steps\[0\]/],
      [[100, 101], /steps\[1\]/],
      [[33.333, 100], /steps\[0\]/],
    ] as const)
      expectRefused(start(live, { steps }), 'SLUICE_REGISTRY_INVALID', field)
  })

  it('may follow one that has ended', () => {
    const plan = { function: 'price', alias: 'live', restore: true, reason: 'by hand', nowMs: 8_000 }
    const aborted = after(moving, planEndRollout(moving, plan))
    expect(aliasIn(after(aborted, planStartRollout(aborted, rolloutPlan({ id: 'second' }), toOne)))).toMatchObject({
      rollout: { id: 'second', state: 'running' },
    })
  })
})

describe('ending a rollout', () => {
  const plan = { function: 'price', alias: 'live', restore: true, reason: 'by hand', nowMs: 8_000 }

  it('goes back, or stays where it is', () => {
    const ended = { id: 'rollout-1', state: 'aborted', endedAtMs: 8_000, reason: 'by hand' }
    expect(aliasIn(after(moving, planEndRollout(moving, plan)))).toMatchObject({
      weights: aliasIn(live)?.weights,
      rollout: ended,
    })
    expect(aliasIn(after(moving, planEndRollout(moving, { ...plan, restore: false })))).toMatchObject({
      weights: aliasIn(moving)?.weights,
      rollout: ended,
    })
  })

  it('is refused when none runs', () => {
    expectRefused(() => planEndRollout(live, plan), 'SLUICE_REGISTRY_ROLLOUT', 'no rollout of alias price@live')
    expectRefused(() => planEndRollout(versions, plan), 'SLUICE_API_NOT_FOUND')
    expectRefused(() => planEndRollout(moving, { ...plan, ifMatch: 1 }), 'SLUICE_REGISTRY_REVISION')
  })
})
