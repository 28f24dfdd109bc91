import { describe, expect, it } from 'vitest'
import type { SluiceError } from '../../src/errors/sluice-error.ts'
import {
  planDeleteFunction,
  planDeleteVersion,
  planEnable,
  planPublish,
  planPutFunction,
  type PutFunctionPlan,
} from '../../src/registry/plan-function.ts'
import { planStartRollout } from '../../src/registry/plan-alias.ts'
import { after, expectRefused, stateOf } from './planned-state.ts'
import { publish, putAlias, putFunction, putTrigger } from './registry-fixtures.ts'

function putPlan(seed: number | string, overrides: Partial<PutFunctionPlan> = {}): PutFunctionPlan {
  const { kind: _kind, ...put } = putFunction('price', seed)
  return { ...put, ...overrides }
}

const price = stateOf([putFunction('price', 1)])
const declared = stateOf([putFunction('price', 1, { managedBy: 'config' })])
const publication = { description: 'first', labels: { a: 'b' } }

describe('putting a function', () => {
  it('creates and updates it, and leaves one as it is that is the same', () => {
    expect(planPutFunction(stateOf(), putPlan(1))).toEqual({ changes: [putFunction('price', 1)], published: undefined })
    expect(planPutFunction(price, putPlan(2)).changes).toEqual([putFunction('price', 2)])
    expect(planPutFunction(price, putPlan(1)).changes).toEqual([])
  })

  it('writes it when only its end or its manager is another', () => {
    expect(planPutFunction(price, putPlan(1, { expiresAtMs: 9 })).changes).toHaveLength(1)
    const expiring = stateOf([putFunction('price', 1, { expiresAtMs: 9 })])
    expect(planPutFunction(expiring, putPlan(1)).changes).toEqual([putFunction('price', 1)])
  })

  it('publishes in the same command, under the next number', () => {
    expect(planPutFunction(stateOf(), putPlan(1, { publish: publication }))).toEqual({
      changes: [putFunction('price', 1), { kind: 'publish-version', function: 'price', version: 1, ...publication }],
      published: 1,
    })
    const gone = after(price, [
      publish('price', 1),
      publish('price', 2),
      { kind: 'delete-version', function: 'price', version: 2 },
    ])
    expect(planPutFunction(gone, putPlan(2, { publish: publication })).published).toBe(3)
  })

  it('publishes nothing when the newest version is the same', () => {
    const state = after(price, [publish('price', 1)])
    expect(planPutFunction(state, putPlan(1, { publish: publication }))).toEqual({ changes: [], published: 1 })
    // Back to an older one is news.
    const moved = after(state, [putFunction('price', 2), publish('price', 2)])
    expect(planPutFunction(moved, putPlan(1, { publish: publication })).published).toBe(3)
  })

  it('refuses what the configuration file manages; the file may take over what the API made', () => {
    expectRefused(() => planPutFunction(declared, putPlan(2)), 'SLUICE_REGISTRY_MANAGED', 'function price')
    const taken = planPutFunction(price, putPlan(1, { managedBy: 'config' }))
    expect(after(price, taken.changes).functions.get('price')?.managedBy).toBe('config')
  })

  it('holds to its precondition and tells both revisions', () => {
    const state = after(price, [putFunction('price', 2)])
    expect(planPutFunction(state, putPlan(3, { ifMatch: 2 })).changes).toHaveLength(1)
    expect(planPutFunction(state, putPlan(3, { ifMatch: 'any' })).changes).toHaveLength(1)
    expectRefused(
      () => planPutFunction(state, putPlan(3, { ifMatch: 1 })),
      'SLUICE_REGISTRY_REVISION',
      'function price is at revision 2, not 1',
    )
    expectRefused(
      () => planPutFunction(stateOf(), putPlan(3, { ifMatch: 1 })),
      'SLUICE_REGISTRY_REVISION',
      'function price does not exist',
    )
    expectRefused(
      () => planPutFunction(stateOf(), putPlan(3, { ifMatch: 'any' })),
      'SLUICE_REGISTRY_REVISION',
      'does not exist',
    )
    expectRefused(
      () => planPutFunction(state, putPlan(3, { ifNoneMatch: true })),
      'SLUICE_REGISTRY_REVISION',
      'function price exists already, at revision 2',
    )
    expect(planPutFunction(stateOf(), putPlan(3, { ifNoneMatch: true })).changes).toHaveLength(1)
  })

  it.each(['', '..', '__proto__', 'Price', '-price', 'a/b', 'a\u0000', 'x'.repeat(64), 'x'.repeat(300), 'a b', 'a.2'])(
    'refuses the name %j',
    name => {
      expectRefused(
        () => planPutFunction(stateOf(), putPlan(1, { name })),
        'SLUICE_REGISTRY_INVALID',
        'name: a name is',
      )
    },
  )
})

describe('publishing', () => {
  it('gives the next number, or the newest version when that has the same content', () => {
    const first = planPublish(price, { function: 'price', ...publication })
    expect(first).toEqual({
      changes: [{ kind: 'publish-version', function: 'price', version: 1, ...publication }],
      version: 1,
      unchanged: false,
    })
    const state = after(price, first.changes)
    expect(planPublish(state, { function: 'price', description: 'again', labels: {} })).toEqual({
      changes: [],
      version: 1,
      unchanged: true,
    })
    const deleted = after(state, [{ kind: 'delete-version', function: 'price', version: 1 }])
    expect(planPublish(deleted, { function: 'price', ...publication })).toMatchObject({ version: 2, unchanged: false })
  })

  it('is refused for what is not there, is managed by the file, or was changed meanwhile', () => {
    const other = { function: 'pricee', ...publication }
    expectRefused(() => planPublish(price, other), 'SLUICE_FUNCTIONS_NOT_FOUND', 'no function pricee', /mean 'price'/)
    expectRefused(() => planPublish(declared, { ...other, function: 'price' }), 'SLUICE_REGISTRY_MANAGED')
    expectRefused(
      () => planPublish(price, { ...other, function: 'price', ifMatch: 7 }),
      'SLUICE_REGISTRY_REVISION',
      'at revision 1, not 7',
    )
  })
})

describe('deleting a function', () => {
  const used = after(price, [
    publish('price', 1),
    putAlias('price', 'live', [[1, 100]]),
    putTrigger('a', 'price'),
    putTrigger('b', 'price@live'),
    putTrigger('c', 'price@1'),
    putTrigger('d', 'other'),
  ])

  it('is refused while triggers or aliases need it, all of which are named', () => {
    const plan = () => planDeleteFunction(used, { name: 'price', force: false })
    expectRefused(plan, 'SLUICE_REGISTRY_IN_USE', 'trigger a, trigger b, trigger c, alias live', 'force')
    try {
      plan()
    } catch (error) {
      const neededBy = ['trigger a', 'trigger b', 'trigger c', 'alias live']
      expect((error as SluiceError).details).toEqual({ neededBy })
    }
    const many = after(
      price,
      Array.from({ length: 9 }, (_, i) => putTrigger(`t-${i}`, 'price')),
    )
    expectRefused(
      () => planDeleteFunction(many, { name: 'price', force: false }),
      'SLUICE_REGISTRY_IN_USE',
      'trigger t-4 and 4 more',
    )
  })

  it('leaves its triggers when it is forced', () => {
    const changes = planDeleteFunction(used, { name: 'price', force: true })
    expect([...after(used, changes).triggers.keys()]).toEqual(['a', 'b', 'c', 'd'])
  })

  it('is refused for what is not there or is managed by the file, forced or not', () => {
    const plan = { name: 'price', force: true }
    expectRefused(() => planDeleteFunction(stateOf(), plan), 'SLUICE_FUNCTIONS_NOT_FOUND')
    expectRefused(() => planDeleteFunction(declared, plan), 'SLUICE_REGISTRY_MANAGED')
    expectRefused(() => planDeleteFunction(price, { ...plan, ifMatch: 5 }), 'SLUICE_REGISTRY_REVISION')
    expect(planDeleteFunction(price, { name: 'price', force: false })).toHaveLength(1)
  })
})

describe('deleting a version', () => {
  const three = after(price, [publish('price', 1), publish('price', 2), publish('price', 3)])
  const plan = (version: number, force = false) => ({ function: 'price', version, force })

  it('is refused while an alias sends to it or copies to it, or a trigger names it', () => {
    const alias = putAlias('price', 'live', [[1, 90], [2, 10]]) // prettier-ignore
    const state = after(three, [
      { ...alias, shadow: { version: 3, percent: 5 } } as typeof alias,
      putTrigger('t', 'price@1'),
    ])
    expectRefused(() => planDeleteVersion(state, plan(1)), 'SLUICE_REGISTRY_IN_USE', 'trigger t, alias live')
    expectRefused(() => planDeleteVersion(state, plan(2)), 'SLUICE_REGISTRY_IN_USE', 'needed by alias live')
    expectRefused(() => planDeleteVersion(state, plan(3)), 'SLUICE_REGISTRY_IN_USE', 'alias live (as its shadow)')
    const forced = after(state, planDeleteVersion(state, plan(2, true)))
    expect(forced.functions.get('price')?.aliases).toEqual(state.functions.get('price')?.aliases)
    expect([...forced.functions.get('price')!.versions.keys()]).toEqual([1, 3])
  })

  it('goes for one that nothing needs, also at weight 0', () => {
    const state = after(three, [putAlias('price', 'live', [[1, 100], [2, 0]])]) // prettier-ignore
    expect(planDeleteVersion(state, plan(2))).toEqual([{ kind: 'delete-version', function: 'price', version: 2 }])
  })

  it('is refused even when forced while a rollout moves to it or from it', () => {
    const state = after(three, [putAlias('price', 'live', [[1, 100]])])
    const rollout = { function: 'price', alias: 'live', id: 'r', nowMs: 1, to: 2, steps: [100], stepMs: 1, bounds: { minInvocations: 1 } } // prettier-ignore
    const moving = after(
      state,
      planStartRollout(state, rollout, (_from, to) => [{ version: to, weight: 100 }]),
    )
    for (const version of [1, 2])
      expectRefused(
        () => planDeleteVersion(moving, plan(version, true)),
        'SLUICE_REGISTRY_ROLLOUT',
        `version ${version} of function price is part of the rollout of alias live`,
      )
    expect(planDeleteVersion(moving, plan(3))).toHaveLength(1)
  })

  it('is refused for what is not there or is managed by the file', () => {
    expectRefused(() => planDeleteVersion(three, plan(4)), 'SLUICE_API_NOT_FOUND', 'function price has no version 4')
    expectRefused(() => planDeleteVersion(stateOf(), plan(1)), 'SLUICE_FUNCTIONS_NOT_FOUND')
    expectRefused(() => planDeleteVersion(declared, plan(1)), 'SLUICE_REGISTRY_MANAGED')
  })
})

describe('enabling and disabling', () => {
  it('changes nothing when it is so already', () => {
    expect(planEnable(price, { name: 'price', enabled: true })).toEqual([])
    const changes = planEnable(price, { name: 'price', enabled: false })
    expect(after(price, changes).functions.get('price')?.enabled).toBe(false)
    expectRefused(() => planEnable(price, { name: 'none', enabled: true }), 'SLUICE_FUNCTIONS_NOT_FOUND')
    expectRefused(() => planEnable(price, { name: 'price', enabled: false, ifMatch: 3 }), 'SLUICE_REGISTRY_REVISION')
  })
})
