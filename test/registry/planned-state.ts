import { expect } from 'vitest'
import { preview } from '../../src/registry/apply-change.ts'
import type { RegistryChange } from '../../src/registry/registry-change.ts'
import type { RegistryState } from '../../src/registry/registry-records.ts'
import { emptyState } from '../../src/registry/state-draft.ts'

/** The state that commands with these changes make, one command each. */
export function stateOf(...commands: (readonly RegistryChange[])[]): RegistryState {
  return commands.reduce<RegistryState>(after, emptyState)
}

/** The state after one more command. */
export function after(state: RegistryState, changes: readonly RegistryChange[]): RegistryState {
  return { ...preview(state, changes, state.position * 1_000), position: state.position + 1 }
}

/** Expects a refusal: its code, and all that its message must say. */
export function expectRefused(plan: () => unknown, code: string, ...says: (string | RegExp)[]): void {
  let thrown: unknown
  try {
    plan()
  } catch (error) {
    thrown = error
  }
  expect(thrown).toMatchObject({ code })
  for (const part of says) expect((thrown as Error).message).toMatch(part)
}
