import { dirname, resolve } from 'node:path'
import { isReplying, streamsOf } from './check-references.ts'
import type { Config, DisabledPart, KafkaConfig, StreamDefinition } from './config.ts'
import type { ConfigFile, SinkConfig, SourceConfig } from './schema.ts'
import type { StreamConfig } from './sections/stream.ts'

/** What {@link resolveConfig} adds from outside of the file's values. */
export interface ConfigOrigin {
  /** Absolute path of the file. */
  readonly file: string
  readonly warnings: readonly string[]
  readonly streamDefaults: StreamConfig
  place(...path: readonly (string | number)[]): string
}

/** Makes the configuration that Sluice runs on out of a file without problems. Pure but for the working directory. */
export function resolveConfig(file: ConfigFile, origin: ConfigOrigin): Config {
  const base = dirname(origin.file)
  const kafka = resolveKafka(file.kafka, base)
  const disabled: DisabledPart[] = []
  const off = (kind: DisabledPart['kind'], name: string, reason: string) => disabled.push({ kind, name, reason })
  const noBrokers = 'kafka.brokers is empty: set KAFKA_BROKERS'

  const sources = new Map<string, SourceConfig>()
  for (const [name, source] of Object.entries(file.sources)) {
    if (!source.enabled) off('source', name, 'enabled is false')
    else if (source.type === 'kafka' && kafka.brokers.length === 0) off('source', name, noBrokers)
    else sources.set(name, isReplying(source) ? source : { ...source, stream: source.stream ?? name })
  }

  const sinks = new Map<string, SinkConfig>()
  for (const [name, sink] of Object.entries(file.sinks)) {
    if (sink.type === 'kafka' && kafka.brokers.length === 0) off('sink', name, noBrokers)
    else sinks.set(name, sink)
  }

  const streams = new Map<string, StreamDefinition>()
  for (const [name, use] of streamsOf(file)) {
    if (use.kind === 'home') streams.set(name, { kind: 'home', ...(file.streams[name] ?? origin.streamDefaults) })
    else if (sources.has(use.source ?? '')) {
      streams.set(name, { kind: 'kafka', source: use.source ?? '', topic: use.topic ?? '' })
    }
  }

  const triggers: Config['triggers'] = new Map(Object.entries(file.triggers))
  for (const [name, trigger] of triggers) {
    const missingSink = trigger.sinks.find(sink => !sinks.has(sink))
    if (!trigger.enabled) off('trigger', name, 'enabled is false')
    else if (!streams.has(trigger.stream)) off('trigger', name, `its stream '${trigger.stream}' is off`)
    else if (missingSink !== undefined) off('trigger', name, `its sink '${missingSink}' is off`)
  }

  return {
    file: origin.file,
    mode: file.mode,
    dataDir: resolve(base, file.dataDir),
    http: file.http,
    mqtt: file.mqtt,
    kafka,
    streams,
    sources,
    secrets: new Map(
      Object.entries(file.secrets).map(([name, secret]) => [
        name,
        typeof secret === 'string' ? secret : { file: resolve(base, secret.file) },
      ]),
    ),
    bindings: new Map(Object.entries(file.bindings)),
    functions: new Map(
      Object.entries(file.functions).map(([name, section]) => [
        name,
        { ...section, file: resolve(base, section.file) },
      ]),
    ),
    sinks,
    triggers,
    api: file.api,
    telemetry: file.telemetry,
    logging: file.logging,
    recentEvents: file.recentEvents,
    disk: file.disk,
    shutdown: file.shutdown,
    examples: new Map(Object.entries(file.examples)),
    disabled,
    warnings: origin.warnings,
    place: origin.place,
  }
}

function resolveKafka(section: ConfigFile['kafka'], base: string): KafkaConfig {
  const { brokers, ssl, ...rest } = section
  const list = typeof brokers === 'string' ? brokers.split(',') : brokers
  const resolved = { ...rest, brokers: list.map(broker => broker.trim()).filter(broker => broker !== '') }
  if (ssl === undefined || typeof ssl === 'boolean') return { ...resolved, ...(ssl === undefined ? {} : { ssl }) }
  const files = { ...ssl }
  for (const key of ['caFile', 'certFile', 'keyFile'] as const) {
    const path = files[key]
    if (path !== undefined) files[key] = resolve(base, path)
  }
  return { ...resolved, ssl: files }
}
