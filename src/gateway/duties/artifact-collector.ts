import type { ArtifactStore } from '../../functions/artifact.ts'
import type { RegistryState } from '../../registry/registry-records.ts'
import type { Registry } from '../../registry/registry.ts'

/** An artifact is put before the command that refers to it: it gets this long to be referred to. */
const graceMs = 10 * 60_000
const intervalMs = 10 * 60_000

/** Deletes the code that no version refers to any more. */
export class ArtifactCollector {
  readonly #artifacts: ArtifactStore
  readonly #registry: Registry
  readonly #onError: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined

  constructor(artifacts: ArtifactStore, registry: Registry, onError: (error: unknown) => void) {
    this.#artifacts = artifacts
    this.#registry = registry
    this.#onError = onError
  }

  start(): void {
    this.#timer = setInterval(() => void this.collect(), intervalMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async collect(): Promise<number> {
    try {
      const referred = referredHashes(this.#registry.state)
      return await this.#artifacts.collect(hash => referred.has(hash), graceMs)
    } catch (error) {
      this.#onError(error)
      return 0
    }
  }
}

/** Hashes of the artifacts that versions refer to. Pure. */
export function referredHashes(state: RegistryState): ReadonlySet<string> {
  const hashes = new Set<string>()
  for (const { latest, versions } of state.functions.values())
    for (const { code } of [latest, ...versions.values()]) if (code.kind === 'artifact') hashes.add(code.hash)
  return hashes
}
