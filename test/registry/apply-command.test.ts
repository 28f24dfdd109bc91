import { describe, expect, it } from 'vitest'
import { applyCommand, type CommandOutcome } from '../../src/registry/apply-command.ts'
import type { RegistryChange, RegistryCommand } from '../../src/registry/registry-change.ts'
import { emptyState, type ReplicatedState } from '../../src/registry/state-draft.ts'
import { codeOf, publish, putAlias, putFunction, putTrigger, textOf } from './registry-fixtures.ts'

/** Applies commands one after the other, each at its place; time passes by a second per command. */
class Ledger {
  state: ReplicatedState = emptyState

  apply(...changes: RegistryChange[]): ReplicatedState {
    expect(this.take(this.command(changes))).toBe('applied')
    return this.state
  }

  command(changes: RegistryChange[]): RegistryCommand {
    const { position } = this.state
    return { format: 1, id: `c${position}`, atMs: position * 1_000, by: 'test', expectedPosition: position, changes }
  }

  take(command: RegistryCommand): CommandOutcome {
    const { state, outcome } = applyCommand(this.state, command)
    this.state = state
    return outcome
  }

  functionNamed(name: string) {
    return this.state.functions.get(name)!
  }
}

describe('functions', () => {
  it('are created with what the command says', () => {
    const ledger = new Ledger()
    ledger.apply(putFunction('other'))
    const put = putFunction('price', 'v1', { expiresAtMs: 7_000 })
    ledger.apply(put)
    expect(ledger.functionNamed('price')).toEqual({
      name: 'price',
      managedBy: 'api',
      enabled: true,
      latest: {
        version: 'latest',
        hash: put.hash,
        code: put.code,
        definition: put.definition,
        description: '',
        labels: {},
        createdAtMs: 1_000,
      },
      versions: new Map(),
      lastVersion: 0,
      aliases: new Map(),
      expiresAtMs: 7_000,
      revision: 2,
      createdAtMs: 1_000,
      updatedAtMs: 1_000,
    })
  })

  it('keep versions, aliases, creation time and being disabled when latest changes', () => {
    const ledger = new Ledger()
    ledger.apply(putFunction('price', 'v1'), publish('price', 1), putAlias('price', 'live', [[1, 100]]))
    ledger.apply({ kind: 'enable-function', name: 'price', enabled: false })
    const before = ledger.functionNamed('price')
    ledger.apply(putFunction('price', 'v2'))
    const after = ledger.functionNamed('price')
    expect(after.latest.code).toEqual(codeOf('v2'))
    expect(after).toMatchObject({ enabled: false, lastVersion: 1, createdAtMs: 0, updatedAtMs: 2_000, revision: 3 })
    expect(after.versions).toEqual(before.versions)
    expect(after.aliases).toEqual(before.aliases)
  })

  it('lose their end when they are put without one', () => {
    const ledger = new Ledger()
    ledger.apply(putFunction('price', 'v1', { expiresAtMs: 7_000 }))
    ledger.apply(putFunction('price', 'v1'))
    expect(ledger.functionNamed('price')).not.toHaveProperty('expiresAtMs')
  })

  it('leave their triggers when they are deleted', () => {
    const ledger = new Ledger()
    ledger.apply(putFunction('price'), putTrigger('orders-price', 'price'))
    ledger.apply({ kind: 'delete-function', name: 'price' })
    expect(ledger.state.functions.size).toBe(0)
    expect([...ledger.state.triggers.keys()]).toEqual(['orders-price'])
  })
})

describe('versions', () => {
  it('are copies of latest that do not change with it', () => {
    const ledger = new Ledger()
    ledger.apply(putFunction('price', 'v1'))
    ledger.apply({ kind: 'publish-version', function: 'price', version: 1, description: 'first', labels: { a: 'b' } })
    ledger.apply(putFunction('price', 'v2'))
    const { versions, revision, lastVersion } = ledger.functionNamed('price')
    expect(versions.get(1)).toMatchObject({
      version: 1,
      code: codeOf('v1'),
      description: 'first',
      labels: { a: 'b' },
      createdAtMs: 1_000,
    })
    expect({ revision, lastVersion }).toEqual({ revision: 3, lastVersion: 1 })
  })

  it('never get the number of a deleted one', () => {
    const ledger = new Ledger()
    ledger.apply(putFunction('price'), publish('price', 1), publish('price', 2))
    ledger.apply({ kind: 'delete-version', function: 'price', version: 2 })
    const { versions, lastVersion, revision } = ledger.functionNamed('price')
    expect([...versions.keys()]).toEqual([1])
    expect({ revision, lastVersion }).toEqual({ revision: 2, lastVersion: 2 })
  })
})

describe('aliases', () => {
  it('keep their creation time, and move the revision of their function', () => {
    const ledger = new Ledger()
    ledger.apply(putFunction('price'), publish('price', 1), publish('price', 2))
    ledger.apply(putAlias('price', 'live', [[1, 100]]))
    ledger.apply(putAlias('price', 'live', [[1, 90], [2, 10]])) // prettier-ignore
    const { aliases, revision } = ledger.functionNamed('price')
    expect(aliases.get('live')).toEqual({
      name: 'live',
      description: '',
      weights: [
        { version: 1, weight: 90 },
        { version: 2, weight: 10 },
      ],
      revision: 3,
      createdAtMs: 1_000,
      updatedAtMs: 2_000,
    })
    expect(revision).toBe(3)
    ledger.apply({ kind: 'delete-alias', function: 'price', alias: 'live' })
    expect(ledger.functionNamed('price')).toMatchObject({ aliases: new Map(), revision: 4 })
  })
})

describe('triggers', () => {
  it('have another uid when they are made again, and the same one when they change', () => {
    const ledger = new Ledger()
    const uid = () => ledger.state.triggers.get('t')?.uid
    ledger.apply(putFunction('price'), putTrigger('t', 'price'))
    expect(uid()).toBe('t')
    ledger.apply(putTrigger('t', 'price@1'))
    expect(uid()).toBe('t')
    expect(ledger.state.triggers.get('t')).toMatchObject({ revision: 2, createdAtMs: 0, updatedAtMs: 1_000 })
    ledger.apply({ kind: 'delete-trigger', name: 't' }, putTrigger('t', 'price'))
    expect(uid()).toBe('t.2')
    ledger.apply({ kind: 'delete-trigger', name: 't' })
    ledger.apply(putTrigger('t', 'price'), putTrigger('t-2', 'price'))
    expect(uid()).toBe('t.3')
    expect(ledger.state.triggers.get('t-2')?.uid).toBe('t-2')
  })
})

describe('renewals', () => {
  it('move the end of a function and of a trigger', () => {
    const ledger = new Ledger()
    ledger.apply(putFunction('price', 'v1', { expiresAtMs: 1 }), putTrigger('t', 'price', { expiresAtMs: 1 }))
    ledger.apply({ kind: 'renew', function: 'price', trigger: 't', expiresAtMs: 9 })
    expect(ledger.functionNamed('price')).toMatchObject({ expiresAtMs: 9, revision: 2 })
    expect(ledger.state.triggers.get('t')).toMatchObject({ expiresAtMs: 9, revision: 2 })
  })
})

describe('a command', () => {
  it('that is stale moves the position and nothing else', () => {
    const ledger = new Ledger()
    ledger.apply(putFunction('price'))
    const before = ledger.state
    expect(ledger.take({ ...ledger.command([{ kind: 'delete-function', name: 'price' }]), expectedPosition: 0 })).toBe(
      'stale',
    )
    expect(ledger.state).toEqual({ ...before, position: 2 })
    ledger.apply(putFunction('other'))
    expect(ledger.functionNamed('other').revision).toBe(3)
  })

  it('that was applied before is ignored, even where it would be expected', () => {
    const ledger = new Ledger()
    const first = ledger.command([putFunction('price')])
    expect(ledger.take(first)).toBe('applied')
    ledger.apply({ kind: 'delete-function', name: 'price' })
    expect(ledger.take({ ...first, expectedPosition: 2 })).toBe('duplicate')
    expect(ledger.state).toMatchObject({ position: 3, functions: new Map() })
  })

  it('is remembered by its id for a thousand commands', () => {
    const ledger = new Ledger()
    for (let i = 0; i < 1_500; i++) ledger.apply({ kind: 'delete-trigger', name: 'none' })
    expect(ledger.state.recentCommandIds.size).toBe(1_000)
    expect(ledger.state.recentCommandIds.has('c499')).toBe(false)
    expect(ledger.state.recentCommandIds.has('c500')).toBe(true)
  })

  it('that this version does not know stops everything, and none of its changes is made', () => {
    const ledger = new Ledger()
    ledger.apply(putFunction('price'))
    const before = textOf(ledger.state)
    const known = { kind: 'delete-function', name: 'price' } as const
    const unknown = ['rename-function', 'toString', '__proto__', undefined].map(
      kind => ({ ...ledger.command([known, { kind } as unknown as RegistryChange]) }) as RegistryCommand,
    )
    const newer = { ...ledger.command([known]), format: 2 } as unknown as RegistryCommand
    for (const command of [...unknown, newer])
      expect(() => ledger.take(command)).toThrow(
        expect.objectContaining({
          code: 'SLUICE_REGISTRY_UNKNOWN_COMMAND',
          message: expect.stringContaining('command 1 of the registry (by "test")') as string,
        }) as Error,
      )
    // One that is stale, too: a newer version may judge it otherwise.
    expect(() => ledger.take({ ...newer, expectedPosition: 0 })).toThrow(/format 2/)
    expect(textOf(ledger.state)).toBe(before)
  })

  it('changes nothing in the states before', () => {
    const ledger = new Ledger()
    ledger.apply(putFunction('price'), publish('price', 1), putTrigger('t', 'price'))
    const before = ledger.state
    const text = textOf(before)
    ledger.apply(publish('price', 2), putAlias('price', 'live', [[2, 100]]), putTrigger('t', 'price@live'))
    ledger.apply({ kind: 'delete-function', name: 'price' }, { kind: 'delete-trigger', name: 't' })
    expect(textOf(before)).toBe(text)
  })

  it('about what is not there changes nothing', () => {
    const ledger = new Ledger()
    ledger.apply(
      { kind: 'enable-function', name: 'none', enabled: false },
      publish('none', 1),
      putAlias('none', 'live', [[1, 100]]),
      { kind: 'delete-alias', function: 'none', alias: 'live' },
      { kind: 'delete-version', function: 'none', version: 1 },
      { kind: 'renew', function: 'none', trigger: 'none', expiresAtMs: 1 },
    )
    expect(ledger.state).toMatchObject({ position: 1, functions: new Map(), triggers: new Map() })
  })
})
