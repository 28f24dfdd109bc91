import { describe, it } from 'vitest'
import type { SinkConfig } from '../../../src/config/schema.ts'
import type { ExecutionRole } from '../../../src/config/sections/function-definition.ts'
import { checkTrigger } from '../../../src/gateway/control/check-trigger.ts'
import type { TriggerDefinition } from '../../../src/registry/registry-records.ts'
import { expectRefused, stateOf } from '../../registry/planned-state.ts'
import { definitionOf, putFunction, triggerOf } from '../../registry/registry-fixtures.ts'

const around = {
  streams: ['orders', 'confirmed'],
  sinks: new Map([
    ['mail', { type: 'http' } as SinkConfig],
    ['next', { type: 'stream', stream: 'confirmed' } as SinkConfig],
  ]),
}
const check = (overrides: Partial<TriggerDefinition>, role?: ExecutionRole, name = 't') => {
  const definition = definitionOf(role === undefined ? {} : { role })
  checkTrigger(name, triggerOf('price', overrides), around, stateOf([putFunction('price', 1, { definition })]))
}

describe('a trigger that comes by the API', () => {
  it('may use what the gateway has', () => check({ sinks: ['mail', 'next'], filter: { exact: { type: 'a' } } }))

  it.each<[string, Partial<TriggerDefinition>, string]>([
    ['stream', { stream: 'ordres' }, "stream: there is no stream 'ordres'; did you mean 'orders'?"],
    ['sink', { sinks: ['mail', 'nxt'] }, "sinks\\[1\\]: there is no sink 'nxt'"],
    ['filter', { filter: { data: { 'no-pointer': 1 } } }, 'filter: '],
    [
      'delivery',
      { delivery: 'at-most-once', retry: { mode: 'delayed' } },
      'retry.mode: with delivery: at-most-once nothing is tried again',
    ],
  ])('is refused for a %s that does not fit', (_what, overrides, says) =>
    expectRefused(() => check(overrides), 'SLUICE_REGISTRY_INVALID', new RegExp(says.replace(/[?()]/g, '\\$&'))),
  )

  it('is refused a name of the gateway itself', () =>
    expectRefused(() => check({}, undefined, 'invocations-x'), 'SLUICE_REGISTRY_INVALID', 'belong to the gateway'))

  it.each<[string, ExecutionRole, Partial<TriggerDefinition>, string]>([
    ['a stream', { streams: ['confirmed'] }, {}, "does not allow the stream 'orders'"],
    ['a sink', { sinks: [] }, { sinks: ['mail'] }, "does not allow the sink 'mail'"],
    ['the stream of a sink', { streams: ['orders'] }, { sinks: ['next'] }, "does not allow the stream 'confirmed'"],
  ])('is refused %s that the role of its function forbids', (_what, role, overrides, says) =>
    expectRefused(() => check(overrides, role), 'SLUICE_REGISTRY_INVALID', says),
  )
})
