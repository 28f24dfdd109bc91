import type { FunctionDefinition } from '../config/sections/function-definition.ts'
import type { TriggerConfig } from '../config/sections/trigger.ts'
import type { CodeRef } from '../functions/code-ref.ts'

/*
 * What the registry knows. Plain JSON values, immutable: a change makes new records. `revision` is the position of the
 * last command that changed the record, plus one; it grows with every change and serves as its entity tag.
 */

/** Who may change a record: the API, or the configuration file alone. */
export type ManagedBy = 'api' | 'config'

/** Code and definition of `latest`, or of one published version (which never changes). */
export interface VersionRecord {
  readonly version: number | 'latest'
  /** SHA-256 over code and definition, as hex: the key of its worker pool and what "the same content" means. */
  readonly hash: string
  readonly code: CodeRef
  /** Complete: every default is filled in. */
  readonly definition: FunctionDefinition
  /** Of the publication; '' for latest. */
  readonly description: string
  /** Of the publication, beside those of the definition. */
  readonly labels: Readonly<Record<string, string>>
  readonly createdAtMs: number
}

export interface WeightedVersion {
  readonly version: number
  /** Share in percent, 0 to 100, at most two decimals; all weights of an alias add up to 100. */
  readonly weight: number
}

/** Copies of the alias's events go to this version, best effort; its results are suppressed. */
export interface ShadowTarget {
  readonly version: number
  /** Share of the events that is copied, 1 to 100. */
  readonly percent: number
}

/** When a rollout goes back. Absent bounds are not looked at. */
export interface RolloutBounds {
  /** Share of failed attempts of the new version, 0 to 1. */
  readonly maxErrorRate?: number
  /** 95th percentile of the new version's duration, in ms. */
  readonly maxP95Ms?: number
  /** 95th percentile of the new version's duration as a multiple of the old one's in the same step. */
  readonly maxP95Ratio?: number
  /** Invocations of the new version before a step is judged. */
  readonly minInvocations: number
}

/**
 *   running ──last step held──▶ completed
 *      ├──a bound is broken──▶ rolled-back (weights as before)
 *      └──aborted by a person, or the alias was changed──▶ aborted
 */
export type RolloutState = 'running' | 'completed' | 'rolled-back' | 'aborted'

/** A move of an alias in steps. */
export interface RolloutRecord {
  readonly id: string
  readonly state: RolloutState
  /** Weights before it began; what going back restores. */
  readonly from: readonly WeightedVersion[]
  readonly to: number
  /** Weights of the new version, ascending, the last one 100. */
  readonly steps: readonly number[]
  readonly stepMs: number
  readonly bounds: RolloutBounds
  /** Index of the step that is in force. */
  readonly step: number
  readonly stepSinceMs: number
  readonly startedAtMs: number
  readonly endedAtMs?: number
  /** Why it ended, or what it waits for, in words. */
  readonly reason?: string
}

export interface AliasRecord {
  readonly name: string
  readonly description: string
  readonly weights: readonly WeightedVersion[]
  readonly shadow?: ShadowTarget
  /** The last rollout, running or ended. */
  readonly rollout?: RolloutRecord
  readonly revision: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

export interface FunctionRecord {
  readonly name: string
  readonly managedBy: ManagedBy
  readonly enabled: boolean
  readonly latest: VersionRecord
  readonly versions: ReadonlyMap<number, VersionRecord>
  /** Highest number that was ever published; a number is never used twice. */
  readonly lastVersion: number
  readonly aliases: ReadonlyMap<string, AliasRecord>
  /** Deleted at this time unless it is renewed: what `sluice dev` makes. */
  readonly expiresAtMs?: number
  readonly revision: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** A trigger's definition, complete; `function` may name a version or alias: `price@live`. */
export type TriggerDefinition = TriggerConfig

export interface TriggerRecord {
  readonly name: string
  /**
   * Its consumer group is made of this: the name for the first trigger of that name, `name.2` for the next one after a
   * deletion, so that a new trigger never inherits the place of a deleted one. Names have no dot.
   */
  readonly uid: string
  readonly managedBy: ManagedBy
  readonly definition: TriggerDefinition
  readonly expiresAtMs?: number
  readonly revision: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** Everything, at one position of the command log. */
export interface RegistryState {
  /** Position of the next command: the number of commands that are applied. */
  readonly position: number
  readonly functions: ReadonlyMap<string, FunctionRecord>
  readonly triggers: ReadonlyMap<string, TriggerRecord>
  /** How many triggers of a name there ever were, for their uid. */
  readonly triggerGenerations: ReadonlyMap<string, number>
}
