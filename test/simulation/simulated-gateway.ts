import { Shadows } from '../../src/gateway/fleet/shadows.ts'
import { FunctionRoutes } from '../../src/gateway/fleet/function-routes.ts'
import { StandingVersions } from '../../src/gateway/fleet/standing-versions.ts'
import { TriggerFleet } from '../../src/gateway/fleet/trigger-fleet.ts'
import { VersionEngines } from '../../src/gateway/fleet/version-engines.ts'
import { LogEnds } from '../../src/gateway/fleet/version-lag.ts'
import { groupOf, type HomeStreams } from '../../src/gateway/home-streams.ts'
import { ProcessGate } from '../../src/dispatch/process-gate.ts'
import type { RunRecord } from '../../src/dispatch/run-record.ts'
import { EnforcePauses } from '../../src/gateway/pauses/enforce-pauses.ts'
import { PauseBoard } from '../../src/gateway/pauses/pause-board.ts'
import type { PauseScope } from '../../src/gateway/pauses/pause-scope.ts'
import type { SluiceError } from '../../src/errors/sluice-error.ts'
import type { DurableFiles } from '../../src/functions/durable-files.ts'
import { resolveVersion, type VersionSurroundings } from '../../src/functions/resolve-version.ts'
import { openEmbeddedLog, type EmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { openRegistry } from '../../src/registry/log-registry.ts'
import type { RegistryChange } from '../../src/registry/registry-change.ts'
import type { RegistryState } from '../../src/registry/registry-records.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { openSnapshotFiles } from '../../src/registry/snapshot-file.ts'
import { createHomeEventReader } from '../../src/events/home-event-reader.ts'
import type { PartitionLog } from '../../src/log/partition-log.ts'
import type { KafkaSource } from '../../src/sources/kafka/source.ts'
import type { Sink } from '../../src/sinks/sink.ts'
import { createStreamIntake, type RebuildableIntake } from '../../src/sources/stream-intake.ts'
import type { Acceptance, IncomingEvent } from '../../src/sources/source.ts'
import type { HomeStore } from '../../src/store/home-store.ts'
import { noTracer } from '../../src/telemetry/tracer.ts'
import { SimulatedPool, type HandlerSurroundings } from './simulated-pool.ts'

/** What a machine gives to the gateway that runs on it, and what it wants to know of it. */
export interface GatewayMachine {
  readonly files: DurableFiles
  readonly store: HomeStore
  readonly sinks: ReadonlyMap<string, Sink>
  readonly handlers: HandlerSurroundings
  readonly partitions: number
  /** A Kafka topic that triggers may read in place. */
  readonly topic?: PartitionLog
  readonly segmentBytes: number
  readonly retentionBytes: number | undefined
  /** Commands after which the registry writes a snapshot. */
  readonly snapshotCommands: number
  readonly random32: () => number
  readonly randomId: () => string
  /** The gateway cannot go on: its process ends. */
  readonly onFatal: (error: SluiceError) => void
  readonly onLogLine: (message: string) => void
}

export const streamName = 'events'

/** Notes nothing: it writes to a file of the machine, and workers that end their process are not simulated. */
const noRecord = {
  hasCrashed: false,
  suspects: [],
  isWatching: false,
  note: () => undefined,
} as unknown as RunRecord

const surroundings = {
  secrets: new Map(),
  bindings: new Map(),
  kafka: {},
  modulePath: (hash: string) => `/artifacts/${hash}`,
} as unknown as VersionSurroundings

/** A Kafka source as far as triggers ask it. */
function sourceOf(log: PartitionLog): KafkaSource {
  const reader = createHomeEventReader()
  return { log, reader, headerDefaults: {}, skips: () => false } as unknown as KafkaSource
}

/** Log, registry, store, dispatch and controller of one node as the gateway puts them together, without its edges. */
export class SimulatedGateway {
  readonly log: EmbeddedLog
  readonly store: HomeStore
  readonly registry: Registry
  readonly engines: VersionEngines
  readonly triggers: TriggerFleet
  readonly pauses: PauseBoard
  readonly #commands: EmbeddedLog
  readonly #intake: RebuildableIntake
  readonly #routes: FunctionRoutes
  readonly #shadows: Shadows
  readonly #standing: StandingVersions
  #unlisten: () => void = () => undefined

  /** Opens everything on what the disk holds, in the order of the gateway, and starts it. */
  static async open(machine: GatewayMachine): Promise<SimulatedGateway> {
    const { files, random32, onFatal, randomId, snapshotCommands } = machine
    const common = { files, random32, reserveBytes: 0, onFatal }
    const commands = await openEmbeddedLog({
      ...common,
      directory: '/registry/log',
      stream: 'registry',
      partitionCount: 1,
      segmentBytes: 16_384,
      retentionMs: null,
      retentionBytes: 65_536,
      groups: ['registry'],
    })
    const snapshots = await openSnapshotFiles({ dir: '/registry/snapshots', files, onWarning: machine.onLogLine })
    const registry = await openRegistry({ log: commands, snapshots, onFatal, randomId, snapshotCommands })
    const groups = [...registry.state.triggers.values()].map(({ uid }) => groupOf(uid))
    const { segmentBytes, retentionBytes } = machine
    const log = await openEmbeddedLog({
      ...common,
      directory: '/streams/events',
      stream: streamName,
      partitionCount: machine.partitions,
      segmentBytes,
      ...(retentionBytes === undefined ? {} : { retentionBytes }),
      tailCacheBytes: 4_096,
      groups,
    })
    for (const group of log.groups) if (!groups.includes(group)) await log.forgetGroup(group)
    const pauses = await PauseBoard.open(machine.store, Date.now())
    const gateway = new SimulatedGateway(machine, registry, commands, log, pauses)
    await gateway.#start()
    return gateway
  }

  private constructor(
    machine: GatewayMachine,
    registry: Registry,
    commands: EmbeddedLog,
    log: EmbeddedLog,
    pauses: PauseBoard,
  ) {
    this.pauses = pauses
    this.log = log
    this.store = machine.store
    this.registry = registry
    this.#commands = commands
    this.#intake = createStreamIntake({ log, dedupe: { windowMs: 3_600_000, maxEntries: 100_000 } })
    const gate = new ProcessGate()
    this.engines = new VersionEngines({
      cores: 4,
      resolve: (name, stored) => resolveVersion(name, stored, surroundings),
      poolOptions: () => ({}),
      createPool: version => new SimulatedPool(version, machine.handlers),
      ends: new LogEnds(),
      gate,
      record: noRecord,
      pauseOf: (name, version) => pauses.of({ kind: 'version', function: name, version }),
      verify: () => Promise.resolve(),
      onDamaged: () => undefined,
      onScaling: () => undefined,
      onRetired: () => undefined,
    })
    this.#routes = new FunctionRoutes(this.engines, registry.state)
    this.#shadows = new Shadows(this.engines)
    this.#standing = new StandingVersions(this.#routes)
    const write = (_facts: object, message: string): void => machine.onLogLine(message)
    this.triggers = new TriggerFleet({
      streams: { get: (name: string) => (name === streamName ? { log } : undefined) } as unknown as HomeStreams,
      kafkaSources: new Map(machine.topic === undefined ? [] : [[machine.topic.stream, sourceOf(machine.topic)]]),
      sinks: machine.sinks,
      store: machine.store,
      tracer: noTracer,
      logger: { info: write, warn: write, error: write },
      traffic: undefined,
      routes: this.#routes,
      shadows: this.#shadows,
      pauses,
      gate,
    })
    pauses.attach(new EnforcePauses({ triggers: this.triggers, engines: this.engines, sources: new Map() }))
  }

  get state(): RegistryState {
    return this.registry.state
  }

  /** What a source does: resolves when the events are durable. */
  accept(events: readonly IncomingEvent[]): Promise<readonly Acceptance[]> {
    return this.#intake.accept(events)
  }

  async change(changes: (state: RegistryState) => readonly RegistryChange[]): Promise<void> {
    await this.registry.transact('api', changes)
    for (const name of this.registry.state.triggers.keys()) await this.triggers.settled(name)
  }

  async pause(name: string): Promise<void> {
    await this.triggers.settled(name)
    await this.pauses.pause(this.#scopeOf(name), { reason: 'a trial', by: 'simulation' }, Date.now())
  }

  async resume(name: string): Promise<void> {
    await this.triggers.settled(name)
    await this.pauses.resume(this.#scopeOf(name))
  }

  /** Whether the pause of a trigger is its breaker's. */
  isBroken(name: string): boolean {
    return this.pauses.of(this.#scopeOf(name))?.failedProbes !== undefined
  }

  /** Whether every trigger runs and has nothing left to do. */
  async isSettled(): Promise<boolean> {
    const ends = await this.log.ends()
    for (const { uid, name } of this.state.triggers.values()) {
      const dispatch = this.triggers.running.get(name)?.dispatch
      // A breaker closes when enough events have succeeded: with nothing left to do it may wait for further ones.
      if (dispatch === undefined || dispatch.parkedKeys > 0) return false
      if (dispatch.state !== 'running' && !this.isBroken(name)) return false
      const committed = await this.log.committed(groupOf(uid))
      for (const [partition, { end }] of ends.entries()) if ((committed.get(partition) ?? 0) < end) return false
    }
    return true
  }

  /** Left to right, as the gateway does. Resolves with whether everything was finished. */
  async close(drainMs: number): Promise<boolean> {
    const deadline = performance.now() + drainMs
    const leftMs = (): number => Math.max(0, deadline - performance.now())
    this.#unlisten()
    this.#routes.stop()
    this.#shadows.stop()
    const drained = await this.triggers.stop(leftMs, () => undefined)
    await this.engines.stop(leftMs())
    await this.log.close()
    await this.store.close()
    await this.registry.close()
    await this.#commands.close()
    return drained
  }

  async #start(): Promise<void> {
    await this.#intake.rebuild()
    this.engines.controller.start()
    this.#unlisten = this.registry.listen((_command, before, after) => this.#follow(before, after))
    this.#shadows.follow(this.state)
    this.#standing.follow(this.state)
    await this.triggers.start(this.state)
  }

  #scopeOf(name: string): PauseScope {
    return { kind: 'trigger', trigger: this.state.triggers.get(name)!.uid }
  }

  #follow(before: RegistryState, after: RegistryState): void {
    const changed = new Set<string>()
    for (const [name, record] of after.functions) if (before.functions.get(name) !== record) changed.add(name)
    this.#shadows.follow(after)
    this.#routes.refresh(after, changed)
    this.#standing.follow(after)
    this.triggers.follow(before, after)
  }
}
