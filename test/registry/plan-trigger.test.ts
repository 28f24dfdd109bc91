import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import { planDeleteTrigger, planPutTrigger, planRenew, type PutTriggerPlan } from '../../src/registry/plan-trigger.ts'
import { after, expectRefused, stateOf } from './planned-state.ts'
import { publish, putAlias, putFunction, putTrigger, triggerOf } from './registry-fixtures.ts'

const price = stateOf([putFunction('price'), publish('price', 1), putAlias('price', 'live', [[1, 100]])])
const running = after(price, [putTrigger('t', 'price@live')])

const triggerPlan = (functionRef: string, overrides: Partial<PutTriggerPlan> = {}): PutTriggerPlan => ({
  name: 't',
  managedBy: 'api',
  definition: triggerOf(functionRef),
  ...overrides,
})

describe('putting a trigger', () => {
  it.each(['price', 'price@latest', 'price@1', 'price@live'])('takes the function %s', ref => {
    expect(planPutTrigger(price, triggerPlan(ref))).toEqual([putTrigger('t', ref)])
  })

  it.each([
    ['prise', "there is no function 'prise'; did you mean 'price'?"],
    ['other@live', "there is no function 'other'"],
    ['price@2', 'function price has no version 2'],
    ['price@liv', "function price has no alias 'liv'; did you mean 'live'?"],
    ['../price', "there is no function '../price'"],
    ['__proto__', 'there is no function'],
  ])('refuses the function %s', (ref, message) => {
    expectRefused(
      () => planPutTrigger(price, triggerPlan(ref)),
      'SLUICE_REGISTRY_INVALID',
      'trigger t: function: ',
      message,
    )
  })

  it('writes nothing when it is so already', () => {
    expect(planPutTrigger(running, triggerPlan('price@live'))).toEqual([])
    expect(planPutTrigger(running, triggerPlan('price@live', { expiresAtMs: 9 }))).toHaveLength(1)
    expect(planPutTrigger(running, triggerPlan('price@1'))).toHaveLength(1)
  })

  it('refuses another stream or start: its place in one stream says nothing of another', () => {
    for (const change of [{ stream: 'others' }, { start: 'latest' }, { start: { offset: 3 } }] as const)
      expectRefused(
        () => planPutTrigger(running, triggerPlan('price', { definition: triggerOf('price', change) })),
        'SLUICE_REGISTRY_INVALID',
        `trigger t: ${Object.keys(change)[0]}: it cannot be changed`,
      )
    const offset = triggerOf('price', { start: { offset: 3 } })
    const started = after(price, planPutTrigger(price, triggerPlan('price', { definition: offset })))
    const again = triggerOf('price', { start: { offset: 3 }, maxInFlight: 5 })
    expect(planPutTrigger(started, triggerPlan('price', { definition: again }))).toHaveLength(1)
  })

  it('asks the gateway for what only that can tell', () => {
    const check = (): never => {
      throw new SluiceError('SLUICE_REGISTRY_INVALID', 'trigger t: stream: there is no stream')
    }
    expectRefused(() => planPutTrigger(price, triggerPlan('price', { check })), 'SLUICE_REGISTRY_INVALID', 'no stream')
  })

  it('is refused for what the file manages, for a name that is none, and when it was changed meanwhile', () => {
    const declared = after(price, [putTrigger('t', 'price', { managedBy: 'config' })])
    expectRefused(() => planPutTrigger(declared, triggerPlan('price@1')), 'SLUICE_REGISTRY_MANAGED', 'trigger t')
    expectRefused(() => planPutTrigger(price, triggerPlan('price', { name: '..' })), 'SLUICE_REGISTRY_INVALID', 'name')
    expectRefused(
      () => planPutTrigger(running, triggerPlan('price', { ifMatch: 1 })),
      'SLUICE_REGISTRY_REVISION',
      'trigger t is at revision 2, not 1',
    )
    expectRefused(
      () => planPutTrigger(running, triggerPlan('price', { ifNoneMatch: true })),
      'SLUICE_REGISTRY_REVISION',
      'trigger t exists already',
    )
  })
})

describe('deleting a trigger', () => {
  it('is refused for what is not there, is managed by the file, or was changed meanwhile', () => {
    expect(planDeleteTrigger(running, { name: 't' })).toEqual([{ kind: 'delete-trigger', name: 't' }])
    expectRefused(() => planDeleteTrigger(price, { name: 't' }), 'SLUICE_API_NOT_FOUND', 'there is no trigger t')
    const declared = after(price, [putTrigger('t', 'price', { managedBy: 'config' })])
    expectRefused(() => planDeleteTrigger(declared, { name: 't' }), 'SLUICE_REGISTRY_MANAGED')
    expectRefused(() => planDeleteTrigger(running, { name: 't', ifMatch: 1 }), 'SLUICE_REGISTRY_REVISION')
  })
})

describe('renewing', () => {
  const lease = stateOf([
    putFunction('dev', 1, { expiresAtMs: 5 }),
    putTrigger('dev-t', 'dev', { expiresAtMs: 5 }),
    putFunction('kept'),
    putTrigger('kept-t', 'kept'),
  ])

  it('moves the end of what has one', () => {
    const changes = planRenew(lease, { function: 'dev', trigger: 'dev-t', expiresAtMs: 9 })
    const renewed = after(lease, changes)
    expect(renewed.functions.get('dev')?.expiresAtMs).toBe(9)
    expect(renewed.triggers.get('dev-t')?.expiresAtMs).toBe(9)
  })

  it('never gives an end to what has none', () => {
    expectRefused(
      () => planRenew(lease, { function: 'kept', expiresAtMs: 9 }),
      'SLUICE_REGISTRY_INVALID',
      'function kept: function: it does not expire',
    )
    expectRefused(
      () => planRenew(lease, { trigger: 'kept-t', expiresAtMs: 9 }),
      'SLUICE_REGISTRY_INVALID',
      'trigger kept-t: trigger: it does not expire',
    )
    expectRefused(() => planRenew(lease, { function: 'none', expiresAtMs: 9 }), 'SLUICE_FUNCTIONS_NOT_FOUND')
    expectRefused(() => planRenew(lease, { trigger: 'none', expiresAtMs: 9 }), 'SLUICE_API_NOT_FOUND')
  })
})
