import type { RegistryChange } from '../../registry/registry-change.ts'
import type { RegistryState } from '../../registry/registry-records.ts'
import type { Registry } from '../../registry/registry.ts'

const intervalMs = 5_000

/** Deletes functions and triggers whose time is over: what `sluice dev` made and does not renew any more. */
export class Expiries {
  readonly #registry: Registry
  readonly #onError: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined

  constructor(registry: Registry, onError: (error: unknown) => void) {
    this.#registry = registry
    this.#onError = onError
  }

  start(): void {
    this.#timer = setInterval(() => this.run(Date.now()).catch(this.#onError), intervalMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async run(nowMs: number): Promise<void> {
    if (expired(this.#registry.state, nowMs).length === 0) return
    await this.#registry.transact('expiry', state => expired(state, nowMs))
  }
}

/** What is over at a time. Triggers go first: a function with triggers would be missed by them. Pure. */
export function expired(state: RegistryState, nowMs: number): RegistryChange[] {
  const isOver = ({ expiresAtMs }: { readonly expiresAtMs?: number }): boolean =>
    expiresAtMs !== undefined && expiresAtMs <= nowMs
  return [
    ...[...state.triggers.values()].filter(isOver).map(({ name }) => ({ kind: 'delete-trigger', name }) as const),
    ...[...state.functions.values()].filter(isOver).map(({ name }) => ({ kind: 'delete-function', name }) as const),
  ]
}
