import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyCommand, applyToDraft } from '../../src/registry/apply-command.ts'
import type { RegistryCommand } from '../../src/registry/registry-change.ts'
import { decodeSnapshot, encodeSnapshot } from '../../src/registry/snapshot-codec.ts'
import { emptyState, StateDraft, type ReplicatedState } from '../../src/registry/state-draft.ts'
import { commandLog } from './arbitrary-commands.ts'
import { textOf } from './registry-fixtures.ts'

/** The state before the first command, and after each. */
function statesOf(commands: readonly RegistryCommand[]): ReplicatedState[] {
  const states = [emptyState]
  for (const command of commands) states.push(applyCommand(states.at(-1)!, command).state)
  return states
}

function replay(from: ReplicatedState, commands: readonly RegistryCommand[]): ReplicatedState {
  const draft = new StateDraft(from, from.recentCommandIds)
  for (const command of commands) applyToDraft(draft, command)
  return draft.finish()
}

const throughSnapshot = (state: ReplicatedState): ReplicatedState =>
  decodeSnapshot(Buffer.concat([...encodeSnapshot(state)]))

describe('a log of commands', () => {
  it('makes the same state one by one, in one replay, and from a snapshot of any position', () => {
    fc.assert(
      fc.property(commandLog, fc.nat(), (commands, seed) => {
        const states = statesOf(commands)
        const last = textOf(states.at(-1)!)
        const cut = seed % (commands.length + 1)
        expect(textOf(replay(emptyState, commands))).toBe(last)
        const snapshot = throughSnapshot(states[cut]!)
        expect(textOf(snapshot)).toBe(textOf(states[cut]!))
        expect(textOf(replay(snapshot, commands.slice(cut)))).toBe(last)
      }),
      { numRuns: 500 },
    )
  })

  it('is applied without changing any state before', () => {
    fc.assert(
      fc.property(commandLog, fc.nat(), (commands, seed) => {
        const states = statesOf(commands)
        const cut = seed % (commands.length + 1)
        const before = textOf(states[cut]!)
        replay(states[cut]!, commands.slice(cut))
        expect(textOf(states[cut]!)).toBe(before)
      }),
    )
  })

  it('gives each position once: as a revision, and to one command', () => {
    fc.assert(
      fc.property(commandLog, commands => {
        const states = statesOf(commands)
        for (const [position, command] of commands.entries()) {
          const before = states[position]!
          const after = states[position + 1]!
          expect(after.position).toBe(position + 1)
          for (const [name, record] of after.functions)
            if (record !== before.functions.get(name)) expect(record.revision).toBe(position + 1)
          if (command.expectedPosition === position) continue
          expect({ ...after, position }).toEqual(before)
        }
      }),
      { numRuns: 200 },
    )
  })
})
