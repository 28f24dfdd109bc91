import type { AliasRecord, FunctionRecord, RegistryState, TriggerRecord, VersionRecord } from './registry-records.ts'

/** A state with what decides whether a command was applied before. */
export interface ReplicatedState extends RegistryState {
  /** Ids of the last {@link keptCommandIds} commands that were applied, oldest first. */
  readonly recentCommandIds: ReadonlySet<string>
}

/** A repeated command comes soon or never: whoever sends it again is waiting for the first one. */
const keptCommandIds = 1_000

export const emptyState: ReplicatedState = {
  position: 0,
  functions: new Map(),
  triggers: new Map(),
  triggerGenerations: new Map(),
  recentCommandIds: new Set(),
}

/**
 * The next state in the making. Maps are copied when they are first written to, and written in place from then on, so
 * that a replay of many commands copies each map once. What it was made from never changes; what {@link finish} gives
 * changes with further writes, so a draft ends there.
 */
export class StateDraft {
  position: number
  #functions: ReadonlyMap<string, FunctionRecord>
  #triggers: ReadonlyMap<string, TriggerRecord>
  #triggerGenerations: ReadonlyMap<string, number>
  #recentCommandIds: ReadonlySet<string>
  /** Maps and sets that nobody else has. */
  readonly #own = new WeakSet<object>()

  constructor(from: RegistryState, recentCommandIds: ReadonlySet<string> = emptyState.recentCommandIds) {
    this.position = from.position
    this.#functions = from.functions
    this.#triggers = from.triggers
    this.#triggerGenerations = from.triggerGenerations
    this.#recentCommandIds = recentCommandIds
  }

  finish(): ReplicatedState {
    return {
      position: this.position,
      functions: this.#functions,
      triggers: this.#triggers,
      triggerGenerations: this.#triggerGenerations,
      recentCommandIds: this.#recentCommandIds,
    }
  }

  functionNamed(name: string): FunctionRecord | undefined {
    return this.#functions.get(name)
  }

  setFunction(record: FunctionRecord): void {
    this.#functions = this.#with(this.#functions, record.name, record)
  }

  deleteFunction(name: string): void {
    this.#functions = this.#with(this.#functions, name, undefined)
  }

  withVersion(
    { versions }: FunctionRecord,
    number: number,
    version: VersionRecord | undefined,
  ): FunctionRecord['versions'] {
    return this.#with(versions, number, version)
  }

  withAlias({ aliases }: FunctionRecord, name: string, alias: AliasRecord | undefined): FunctionRecord['aliases'] {
    return this.#with(aliases, name, alias)
  }

  triggerNamed(name: string): TriggerRecord | undefined {
    return this.#triggers.get(name)
  }

  setTrigger(record: TriggerRecord): void {
    this.#triggers = this.#with(this.#triggers, record.name, record)
  }

  deleteTrigger(name: string): void {
    this.#triggers = this.#with(this.#triggers, name, undefined)
  }

  /** Counts one more trigger of a name, and gives how many there were with it. */
  nextGeneration(name: string): number {
    const generation = (this.#triggerGenerations.get(name) ?? 0) + 1
    this.#triggerGenerations = this.#with(this.#triggerGenerations, name, generation)
    return generation
  }

  wasApplied(commandId: string): boolean {
    return this.#recentCommandIds.has(commandId)
  }

  noteApplied(commandId: string): void {
    let ids = this.#recentCommandIds as Set<string>
    if (!this.#own.has(ids)) this.#own.add((ids = new Set(ids)))
    ids.add(commandId)
    if (ids.size > keptCommandIds) for (const oldest of ids) if (ids.delete(oldest)) break
    this.#recentCommandIds = ids
  }

  /** A map with one entry set, or without it. */
  #with<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key, value: Value | undefined): ReadonlyMap<Key, Value> {
    let own = map as Map<Key, Value>
    if (!this.#own.has(own)) this.#own.add((own = new Map(own)))
    if (value === undefined) own.delete(key)
    else own.set(key, value)
    return own
  }
}
