import type { ScalingEvent } from '../../controller/scaling-history.ts'
import type { DispatchLogger } from '../../dispatch/trigger-options.ts'
import type { ProcessGate } from '../../dispatch/process-gate.ts'
import type { RunRecord } from '../../dispatch/run-record.ts'
import type { LocalArtifactStore } from '../../functions/artifact-store.ts'
import type { FunctionVersion } from '../../functions/function-version.ts'
import type { StoredVersion } from '../../functions/resolve-version.ts'
import type { RegistryState } from '../../registry/registry-records.ts'
import type { Registry } from '../../registry/registry.ts'
import type { WorkerPoolOptions } from '../../workers/pool-options.ts'
import type { PauseBoard } from '../pauses/pause-board.ts'
import { AsyncInvocations } from './async-invocations.ts'
import type { TriggerParts } from './build-trigger.ts'
import { FunctionRoutes } from './function-routes.ts'
import { Shadows } from './shadows.ts'
import { StandingVersions } from './standing-versions.ts'
import { TriggerFleet } from './trigger-fleet.ts'
import { VersionEngines, type VersionEngine } from './version-engines.ts'
import { LogEnds } from './version-lag.ts'

export interface FleetOptions {
  readonly dataDir: string
  readonly cores: number
  readonly registry: Registry
  readonly pauses: PauseBoard
  /** Makes a stored version runnable. @throws {SluiceError} SLUICE_REGISTRY_INVALID. */
  readonly resolve: (name: string, stored: StoredVersion) => FunctionVersion
  readonly artifacts: LocalArtifactStore
  readonly logger: DispatchLogger
  readonly gate: ProcessGate
  readonly record: RunRecord
  readonly poolOptions: (version: FunctionVersion) => WorkerPoolOptions
  readonly onScaling: (event: ScalingEvent) => void
  readonly onRetired: (engine: VersionEngine) => void
}

/**
 * Everything that runs because the registry says so: versions, triggers, shadows, asynchronous invocations. It follows every
 * command of the registry, in order and in one step each.
 */
export class Fleet {
  readonly ends = new LogEnds()
  readonly engines: VersionEngines
  readonly routes: FunctionRoutes
  readonly shadows: Shadows
  readonly #options: FleetOptions
  readonly #standing: StandingVersions
  #triggers: TriggerFleet | undefined
  #asynchronous: AsyncInvocations | undefined
  #unlisten: () => void = () => undefined

  constructor(options: FleetOptions) {
    const { registry, pauses, artifacts, logger, cores, resolve, poolOptions, onScaling, onRetired, gate, record } =
      options
    this.#options = options
    this.engines = new VersionEngines({
      cores,
      resolve,
      poolOptions,
      ends: this.ends,
      pauseOf: (name, version) => pauses.of({ kind: 'version', function: name, version }),
      gate,
      record,
      verify: hash => artifacts.verify(hash),
      onDamaged: (name, error) => {
        logger.error({ function: name, code: error.code }, `function ${name}: ${error.message}`)
        this.routes.refresh(registry.state, new Set([name]))
      },
      onScaling,
      onRetired,
    })
    this.routes = new FunctionRoutes(this.engines, registry.state)
    this.shadows = new Shadows(this.engines)
    this.#standing = new StandingVersions(this.routes)
  }

  get isAttached(): boolean {
    return this.#triggers !== undefined
  }

  get triggers(): TriggerFleet {
    return this.#triggers as TriggerFleet
  }

  get asynchronous(): AsyncInvocations {
    return this.#asynchronous as AsyncInvocations
  }

  /** Builds what needs sinks and streams. Nothing runs before {@link start}. */
  attach(parts: TriggerParts): void {
    const { pauses } = this.#options
    const fleetParts = { ...parts, pauses, routes: this.routes, shadows: this.shadows }
    this.#triggers = new TriggerFleet(fleetParts)
    this.#asynchronous = new AsyncInvocations({
      dataDir: this.#options.dataDir,
      fleet: this.#triggers,
      parts: fleetParts,
    })
  }

  async start(): Promise<void> {
    const { registry } = this.#options
    this.engines.controller.start()
    const { state } = registry
    this.#unlisten = registry.listen((_command, before, after) => this.#follow(before, after))
    this.shadows.follow(state)
    this.#standing.follow(state)
    await this.triggers.start(state)
    await this.asynchronous.start(name => state.functions.has(name))
  }

  /** Resolves with whether every trigger finished in time. */
  async stopTriggers(leftMs: () => number, failed: (name: string, error: unknown) => void): Promise<boolean> {
    this.#unlisten()
    this.routes.stop()
    this.shadows.stop()
    return (await this.#triggers?.stop(leftMs, failed)) ?? true
  }

  #follow(before: RegistryState, after: RegistryState): void {
    const changed = new Set<string>()
    for (const [name, record] of after.functions) if (before.functions.get(name) !== record) changed.add(name)
    for (const name of before.functions.keys()) if (!after.functions.has(name)) changed.add(name)
    // Shadows first: a version that changes from one use to another is not ended in between.
    this.shadows.follow(after)
    this.routes.refresh(after, changed)
    this.#standing.follow(after)
    this.triggers.follow(before, after)
    for (const name of changed) {
      if (after.functions.has(name)) continue
      this.asynchronous.remove(name).catch((error: unknown) => {
        const message = `what function ${name} was still to be given cannot be removed`
        this.#options.logger.error({ function: name, err: error }, message)
      })
    }
  }
}
