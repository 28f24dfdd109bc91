import { describe, expect, it } from 'vitest'
import type { DeclaredFunction } from '../../src/functions/load-functions.ts'
import { declareConfig } from '../../src/gateway/declare-config.ts'
import { after, stateOf } from '../registry/planned-state.ts'
import { publish, putFunction, triggerOf } from '../registry/registry-fixtures.ts'

const declared = (name: string, seed: string | number = name): DeclaredFunction => {
  const { kind: _kind, managedBy: _managedBy, ...put } = putFunction(name, seed)
  return { ...put, code: { kind: 'file', path: `/${name}.js`, hash: `${seed}`, bytes: 1 } }
}
const functions = (...list: DeclaredFunction[]) => new Map(list.map(entry => [entry.name, entry]))
const triggers = (...list: [string, ReturnType<typeof triggerOf>][]) => new Map(list)

describe('what the configuration file declares', () => {
  const wanted = [functions(declared('price')), triggers(['orders', triggerOf('price')])] as const

  it('becomes functions and triggers of the file, once', () => {
    const changes = declareConfig(stateOf(), ...wanted)
    const state = after(stateOf(), changes)
    expect(state.functions.get('price')).toMatchObject({ managedBy: 'config', latest: { code: { kind: 'file' } } })
    expect(state.triggers.get('orders')).toMatchObject({ managedBy: 'config', definition: { function: 'price' } })
    expect(declareConfig(state, ...wanted)).toEqual([])
  })

  it('goes when it is in the file no more, and leaves what the API made', () => {
    const state = after(stateOf([putFunction('made')]), declareConfig(stateOf(), ...wanted))
    expect(declareConfig(state, functions(), triggers())).toEqual([
      { kind: 'delete-trigger', name: 'orders' },
      { kind: 'delete-function', name: 'price' },
    ])
  })

  it('takes over a function of its name that the API made, with its versions', () => {
    const state = stateOf([putFunction('price', 'other')], [publish('price', 1)])
    const next = after(state, declareConfig(state, ...wanted))
    expect(next.functions.get('price')).toMatchObject({ managedBy: 'config', lastVersion: 1 })
  })

  it('gives a trigger another place when it reads another stream', () => {
    const state = after(stateOf(), declareConfig(stateOf(), ...wanted))
    const moved = triggers(['orders', triggerOf('price', { stream: 'returns' })])
    const next = after(state, declareConfig(state, wanted[0], moved))
    expect([state.triggers.get('orders')?.uid, next.triggers.get('orders')?.uid]).toEqual(['orders', 'orders.2'])
    const retried = triggers(['orders', triggerOf('price', { retry: { maxAttempts: 2 } })])
    expect(after(state, declareConfig(state, wanted[0], retried)).triggers.get('orders')?.uid).toBe('orders')
  })
})
