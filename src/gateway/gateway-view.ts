import type { Config } from '../config/config.ts'
import type { SluiceError } from '../errors/sluice-error.ts'
import type { LocalArtifactStore } from '../functions/artifact-store.ts'
import type { VersionSurroundings } from '../functions/resolve-version.ts'
import type { DiskReserve } from '../log/embedded/disk-reserve.ts'
import type { KafkaClient } from '../log/kafka/kafka-client.ts'
import type { Registry } from '../registry/registry.ts'
import type { Sink } from '../sinks/sink.ts'
import type { EmbeddedBroker } from '../sources/mqtt/broker.ts'
import type { Source } from '../sources/source.ts'
import type { HomeStore } from '../store/home-store.ts'
import type { Observations } from '../store/observations.ts'
import type { MetricsRegistry } from '../telemetry/metrics-registry.ts'
import type { AsyncInvocations } from './fleet/async-invocations.ts'
import type { Shadows } from './fleet/shadows.ts'
import type { TriggerFleet } from './fleet/trigger-fleet.ts'
import type { VersionEngines } from './fleet/version-engines.ts'
import type { LogEnds } from './fleet/version-lag.ts'
import type { HomeStreams } from './home-streams.ts'
import type { PauseBoard } from './pauses/pause-board.ts'
import type { Invoke } from './invoke.ts'
import type { Redrives } from './duties/redrives.ts'
import type { Rollouts } from './duties/rollouts.ts'
import type { StatsSampler } from './duties/stats-sampler.ts'

/** What the controls, views, health and metrics look at. */
export interface GatewayView {
  readonly config: Config
  /** What versions need of the gateway; of secrets only the names ever leave. */
  readonly surroundings: VersionSurroundings
  readonly registry: Registry
  readonly artifacts: LocalArtifactStore
  readonly triggers: TriggerFleet
  readonly engines: VersionEngines
  readonly asynchronous: AsyncInvocations
  readonly shadows: Shadows
  readonly sources: ReadonlyMap<string, Source>
  readonly sinks: ReadonlyMap<string, Sink>
  readonly streams: HomeStreams
  readonly ends: LogEnds
  readonly kafka?: KafkaClient
  readonly broker?: EmbeddedBroker
  readonly store: HomeStore
  readonly reserve: DiskReserve
  readonly pauses: PauseBoard
  readonly observations: Observations
  readonly sampler: StatsSampler
  readonly rollouts: Rollouts
  readonly redrives: Redrives
  readonly metrics: MetricsRegistry
  readonly invoke: Invoke
  state(): { readonly state: string; readonly failure: SluiceError | undefined }
}
