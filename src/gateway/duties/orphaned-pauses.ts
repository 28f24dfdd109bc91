import type { RegistryState } from '../../registry/registry-records.ts'
import type { Registry } from '../../registry/registry.ts'
import type { PauseBoard } from '../pauses/pause-board.ts'
import type { PauseScope } from '../pauses/pause-scope.ts'
import type { Duty } from './duties.ts'

const retryMs = 1_000

/**
 * Ends the pauses of versions that are not there any more: a function that is made again under the name would begin paused.
 * Looks at every change and at the start, because the process may have died between a deletion and this.
 */
export class OrphanedPauses implements Duty {
  readonly #board: PauseBoard
  readonly #registry: Registry
  readonly #onError: (error: unknown) => void
  #unlisten: () => void = () => undefined
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(board: PauseBoard, registry: Registry, onError: (error: unknown) => void) {
    this.#board = board
    this.#registry = registry
    this.#onError = onError
  }

  start(): void {
    this.#unlisten = this.#registry.listen(() => void this.#run())
    void this.#run()
  }

  stop(): void {
    this.#isStopped = true
    this.#unlisten()
    clearTimeout(this.#timer)
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer)
    try {
      // Asked anew for each: meanwhile the name may have come back, and somebody may have paused it.
      for (const { scope } of this.#board.all)
        if (isOrphaned(scope, this.#registry.state)) await this.#board.resume(scope)
    } catch (error) {
      if (this.#isStopped) return
      this.#onError(error)
      this.#timer = setTimeout(() => void this.#run(), retryMs)
    }
  }
}

/** Pure. Triggers take their pauses with them when they are deleted. */
export function isOrphaned(scope: PauseScope, { functions }: RegistryState): boolean {
  if (scope.kind !== 'version') return false
  const record = functions.get(scope.function)
  return record === undefined || (scope.version !== 'latest' && !record.versions.has(Number(scope.version)))
}
