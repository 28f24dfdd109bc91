import type { ArtifactStore } from '../../functions/artifact.ts'
import type { RegistryState } from '../../registry/registry-records.ts'
import type { Registry } from '../../registry/registry.ts'
import type { VersionEngines } from '../fleet/version-engines.ts'

/** An artifact is put before the command that refers to it: it gets this long to be referred to. */
const graceMs = 10 * 60_000
const intervalMs = 10 * 60_000

/** Deletes the code that no version refers to any more. */
export class ArtifactCollector {
  readonly #artifacts: ArtifactStore
  readonly #registry: Registry
  readonly #engines: VersionEngines
  readonly #onError: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined

  constructor(
    artifacts: ArtifactStore,
    registry: Registry,
    engines: VersionEngines,
    onError: (error: unknown) => void,
  ) {
    this.#artifacts = artifacts
    this.#registry = registry
    this.#engines = engines
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
      // What drains may start a worker once more.
      const files = new Set([...this.#engines.all].map(({ version }) => version.file))
      const isUsed = (hash: string): boolean => referred.has(hash) || files.has(this.#artifacts.modulePath(hash))
      return await this.#artifacts.collect(isUsed, graceMs)
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
