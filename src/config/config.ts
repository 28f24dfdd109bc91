import type { ApiConfig } from './sections/api.ts'
import type { BindingConfig } from './sections/binding.ts'
import type { DiskConfig } from './sections/disk.ts'
import type { FunctionConfig } from './sections/function.ts'
import type { HttpListenerConfig } from './sections/http-listener.ts'
import type { KafkaSection } from './sections/kafka.ts'
import type { LoggingConfig } from './sections/logging.ts'
import type { RecentEventsConfig } from './sections/recent-events.ts'
import type { MqttBrokerConfig } from './sections/mqtt-broker.ts'
import type { SecretConfig } from './sections/secret.ts'
import type { ShutdownConfig } from './sections/shutdown.ts'
import type { StreamConfig } from './sections/stream.ts'
import type { TelemetryConfig } from './sections/telemetry.ts'
import type { TriggerConfig } from './sections/trigger.ts'
import type { SinkConfig, SourceConfig } from './schema.ts'

/**
 * The configuration as the rest of Sluice sees it: complete, with absolute paths, every reference resolved, and only
 * what is enabled and can run. Maps are keyed by name and keep the order of the file.
 */
export interface Config {
  /** Absolute path of the file it came from. */
  readonly file: string
  readonly mode: 'standalone'
  /** Absolute. */
  readonly dataDir: string
  readonly http: HttpListenerConfig
  /** The embedded broker; it is started only when a source or sink uses it. */
  readonly mqtt: MqttBrokerConfig
  readonly kafka: KafkaConfig
  /** Every stream there is, declared or implied by a source. */
  readonly streams: ReadonlyMap<string, StreamDefinition>
  /** `stream` is filled in; it is undefined only for HTTP sources that reply, which keep nothing. */
  readonly sources: ReadonlyMap<string, SourceConfig>
  /** Files are absolute. */
  readonly secrets: ReadonlyMap<string, SecretConfig>
  readonly bindings: ReadonlyMap<string, BindingConfig>
  /** `file` is absolute. */
  readonly functions: ReadonlyMap<string, FunctionConfig>
  readonly sinks: ReadonlyMap<string, SinkConfig>
  /** Every trigger of the file; those that are off now are in {@link disabled}, too. */
  readonly triggers: ReadonlyMap<string, TriggerConfig>
  readonly api: ApiConfig
  readonly telemetry: TelemetryConfig
  readonly logging: LoggingConfig
  readonly recentEvents: RecentEventsConfig
  readonly disk: DiskConfig
  readonly shutdown: ShutdownConfig
  /** Commands to copy, by title, with `{http}`, `{mqtt}` and `{kafka}` for the addresses. */
  readonly examples: ReadonlyMap<string, string>
  /** What the file names but does not run now, with the reason, such as Kafka parts without brokers. */
  readonly disabled: readonly DisabledPart[]
  /** What is allowed but worth a look; lines of `file:line:column: path: message`. */
  readonly warnings: readonly string[]
  /** Place of a field in the file, as `file:line:column`, for errors that are found later. */
  place(...path: readonly (string | number)[]): string
}

/** A home stream is written by Sluice; a Kafka-backed one is a topic that is read in place. */
export type StreamDefinition =
  | ({ readonly kind: 'home' } & Readonly<StreamConfig>)
  | { readonly kind: 'kafka'; readonly source: string; readonly topic: string }

export type KafkaConfig = Readonly<Omit<KafkaSection, 'brokers'>> & {
  /** host:port; empty when Kafka is off. */
  readonly brokers: readonly string[]
}

export interface DisabledPart {
  readonly kind: 'source' | 'sink' | 'trigger'
  readonly name: string
  readonly reason: string
}
