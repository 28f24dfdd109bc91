import type { FunctionDefinition } from '../config/sections/function-definition.ts'
import type { CodeRef } from '../functions/code-ref.ts'
import type { ManagedBy, RolloutRecord, ShadowTarget, TriggerDefinition, WeightedVersion } from './registry-records.ts'

/** One change of the registry. Applying it never validates: whoever makes it has, against the state it was made for. */
export type RegistryChange =
  | {
      readonly kind: 'put-function'
      readonly name: string
      readonly managedBy: ManagedBy
      readonly code: CodeRef
      readonly definition: FunctionDefinition
      readonly hash: string
      readonly expiresAtMs?: number
    }
  | { readonly kind: 'delete-function'; readonly name: string }
  | { readonly kind: 'enable-function'; readonly name: string; readonly enabled: boolean }
  | {
      readonly kind: 'publish-version'
      readonly function: string
      readonly version: number
      readonly description: string
      readonly labels: Readonly<Record<string, string>>
    }
  | { readonly kind: 'delete-version'; readonly function: string; readonly version: number }
  | {
      readonly kind: 'put-alias'
      readonly function: string
      readonly alias: string
      readonly description: string
      readonly weights: readonly WeightedVersion[]
      readonly shadow?: ShadowTarget
      readonly rollout?: RolloutRecord
    }
  | { readonly kind: 'delete-alias'; readonly function: string; readonly alias: string }
  | {
      readonly kind: 'put-trigger'
      readonly name: string
      readonly managedBy: ManagedBy
      readonly definition: TriggerDefinition
      readonly expiresAtMs?: number
    }
  | { readonly kind: 'delete-trigger'; readonly name: string }
  | {
      readonly kind: 'renew'
      readonly function?: string
      readonly trigger?: string
      readonly expiresAtMs: number
    }

/**
 * One entry of the command log: changes that are made together or not at all. A command whose `expectedPosition` is not
 * the position it is applied at is stale and changes nothing, on every node alike.
 */
export interface RegistryCommand {
  readonly format: 1
  /** Random; a command that is in the log twice is applied once. */
  readonly id: string
  readonly atMs: number
  /** Who, for the audit: `config`, `api`, `rollout`, `expiry`, or what the caller says. */
  readonly by: string
  readonly expectedPosition: number
  readonly changes: readonly RegistryChange[]
}
