import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { registerApi } from '../api/register-api.ts'
import { dashboardPath } from '../api/serve-dashboard.ts'
import type { GatewayAddresses } from '../cli/ready-banner.ts'
import type { Config } from '../config/config.ts'
import { ProcessGate } from '../dispatch/process-gate.ts'
import { RunRecord } from '../dispatch/run-record.ts'
import type { SluiceError } from '../errors/sluice-error.ts'
import { openArtifactStore, type LocalArtifactStore } from '../functions/artifact-store.ts'
import { loadFunctions } from '../functions/load-functions.ts'
import { resolveVersion, type VersionSurroundings } from '../functions/resolve-version.ts'
import { readSecrets } from '../functions/secret-values.ts'
import { DiskReserve } from '../log/embedded/disk-reserve.ts'
import { lockDataDirectory, type DataDirectoryLock } from '../log/embedded/data-dir-lock.ts'
import { nodeFileLayer } from '../log/embedded/file-layer.ts'
import type { KafkaClient } from '../log/kafka/kafka-client.ts'
import { openLocalRegistry } from '../registry/local-registry.ts'
import type { RegistryState } from '../registry/registry-records.ts'
import type { Registry } from '../registry/registry.ts'
import type { GatewayOptions } from '../run-gateway.ts'
import type { Sink } from '../sinks/sink.ts'
import { createHttpListener, type HttpListener } from '../sources/http/http-listener.ts'
import { KafkaSource } from '../sources/kafka/source.ts'
import { EmbeddedBroker } from '../sources/mqtt/broker.ts'
import type { MqttReport } from '../sources/mqtt/report.ts'
import type { Source, StreamIntake } from '../sources/source.ts'
import type { HomeStore } from '../store/home-store.ts'
import type { Observations } from '../store/observations.ts'
import { openObservations } from '../store/sqlite-observations.ts'
import { openSqliteStore } from '../store/sqlite-store.ts'
import { MetricsRegistry } from '../telemetry/metrics-registry.ts'
import { startTelemetry, type Telemetry } from '../telemetry/start-telemetry.ts'
import { buildSinks } from './build-sinks.ts'
import { brokerDir, buildSources, needsEmbeddedBroker } from './build-sources.ts'
import { checkDeclared } from './check-declared.ts'
import { compileCacheDir } from './compile-cache-dir.ts'
import { connectKafka } from './connect-kafka.ts'
import { createControl } from './control.ts'
import { declareConfig } from './declare-config.ts'
import { ArtifactCollector } from './duties/artifact-collector.ts'
import { Duties } from './duties/duties.ts'
import { Expiries } from './duties/expiries.ts'
import { OrphanedPauses } from './duties/orphaned-pauses.ts'
import { PauseExpiries } from './duties/pause-expiries.ts'
import { Redrives } from './duties/redrives.ts'
import { Rollouts } from './duties/rollouts.ts'
import { StatsSampler } from './duties/stats-sampler.ts'
import { Fleet } from './fleet/fleet.ts'
import { FunctionLogs } from './function-logs.ts'
import type { GatewayView } from './gateway-view.ts'
import { groupOf, HomeStreams, type HomeStream } from './home-streams.ts'
import { Invoke } from './invoke.ts'
import { CustomMetrics } from './metrics/custom-metrics.ts'
import { registerMetrics } from './metrics/register-metrics.ts'
import { EnforcePauses } from './pauses/enforce-pauses.ts'
import { PauseBoard } from './pauses/pause-board.ts'
import { MomentRecorder } from './recent-events/moment-recorder.ts'
import { receiveTracerOf } from './receive-tracing.ts'
import { describeHolder } from './stream-holder.ts'
import { TrafficLog } from './traffic-log.ts'

export interface GatewayPartsOptions extends GatewayOptions {
  state(): { readonly state: string; readonly failure: SluiceError | undefined }
}

/** Everything that runs; what is undefined is not built yet, or not needed. */
interface Parts {
  lock?: DataDirectoryLock
  reserve?: DiskReserve
  record?: RunRecord
  telemetry?: Telemetry
  observations?: Observations
  recorder?: MomentRecorder | undefined
  artifacts?: LocalArtifactStore
  registry?: Registry
  logs?: FunctionLogs
  store?: HomeStore
  pauses?: PauseBoard
  streams?: HomeStreams
  kafka?: KafkaClient
  broker?: EmbeddedBroker
  listener?: HttpListener
  sinks?: ReadonlyMap<string, Sink>
  fleet?: Fleet
  sampler?: StatsSampler
  sources?: ReadonlyMap<string, Source>
  rollouts?: Rollouts
  redrives?: Redrives
  duties?: Duties
  traffic?: TrafficLog
}

/** All parts of a gateway: built and introduced to each other from right to left, closed from left to right. */
export class GatewayParts {
  readonly #config: Config
  readonly #options: GatewayPartsOptions
  readonly #parts: Parts = {}
  readonly #gate = new ProcessGate()
  readonly #custom = new CustomMetrics(name => this.#parts.registry?.state.functions.has(name) === true)

  constructor(config: Config, options: GatewayPartsOptions) {
    this.#config = config
    this.#options = options
  }

  async start(): Promise<GatewayAddresses> {
    const config = this.#config
    const { logger, version, onFatal } = this.#options
    const parts = this.#parts
    const secrets = readSecrets(config)
    parts.lock = await lockDataDirectory(config.dataDir)
    parts.reserve = new DiskReserve({
      files: nodeFileLayer,
      directory: config.dataDir,
      reserveBytes: config.disk.reserveBytes,
      monotonicMs: () => performance.now(),
    })
    parts.telemetry = await startTelemetry({ config: config.telemetry, logger, version })
    const registry = await this.#openRegistry(secrets)
    parts.store = await openSqliteStore({ dir: config.dataDir, onFatal })
    parts.pauses = await PauseBoard.open(parts.store, Date.now())
    await this.#noteRun(parts.store)
    await this.#openStreams(registry.state)
    if (config.kafka.brokers.length > 0) parts.kafka = connectKafka(config.kafka, logger)
    await this.#buildEdges(secrets)
    await this.#startStages()
    const { listener, broker } = parts
    return {
      http: listener?.url ?? '',
      mqtt: broker === undefined ? undefined : `mqtt://${config.mqtt.host}:${broker.port}`,
    }
  }

  /** What the file declares is checked first; then it is in the registry. */
  async #openRegistry(secrets: ReadonlyMap<string, string>): Promise<Registry> {
    const config = this.#config
    const { logger, onFatal } = this.#options
    const parts = this.#parts
    const declared = loadFunctions(config)
    parts.observations = openObservations({
      dir: config.dataDir,
      onFailed: error => logger.error({ err: error }, 'function logs and time series are not kept any more'),
      onWarning: message => logger.warn({ part: 'observations' }, message),
      mayKeep: () => parts.reserve?.isLow !== true,
      recentEvents: config.recentEvents.enabled ? config.recentEvents : undefined,
    })
    const { recent } = parts.observations
    if (recent !== undefined) parts.recorder = new MomentRecorder(recent, config.recentEvents.maxPerSecond)
    parts.artifacts = await openArtifactStore({ dir: join(config.dataDir, 'artifacts') })
    const onWarning = (message: string): void => logger.warn({ part: 'registry' }, message)
    const registry = await openLocalRegistry({ dir: join(config.dataDir, 'registry'), onFatal, onWarning })
    parts.registry = registry
    await checkDeclared(declared.values(), this.#surroundings(secrets), compileCacheDir(config))
    const logs = new FunctionLogs(logger, parts.observations)
    parts.logs = logs
    registry.listen((command, before) => logs.changed(command, before))
    await registry.transact('config', state => declareConfig(state, declared, config.triggers))
    return registry
  }

  /** What the process before may have died of is durable before anything of this one is noted. */
  async #noteRun(store: HomeStore): Promise<void> {
    const record = new RunRecord(this.#config.dataDir)
    if (record.suspects.length > 0) {
      await store.processEnded(record.suspects, Date.now())
      const message = `the process before this one ended with ${record.suspects.length} events in workers; each runs alone`
      this.#options.logger.warn({ part: 'dispatch' }, message)
    }
    record.begin()
    this.#parts.record = record
  }

  async #openStreams(state: RegistryState): Promise<void> {
    const { reserve } = this.#parts as Required<Parts>
    const streams = new HomeStreams({
      dataDir: this.#config.dataDir,
      onFatal: this.#options.onFatal,
      reserve,
      describeGroup: group => this.#describeHolder(group),
    })
    // Known before they are open: one that fails leaves the others to be closed.
    this.#parts.streams = streams
    for (const [name, definition] of this.#config.streams) {
      if (definition.kind !== 'home') continue
      // Those that are off now are in the registry, too, and keep their place.
      const readers = [...state.triggers.values()].filter(trigger => trigger.definition.stream === name)
      const groups = readers.map(({ uid }) => groupOf(uid))
      await streams.open(name, definition, groups)
    }
  }

  /** Streams are there before the triggers that read them. */
  #describeHolder(group: string): string | undefined {
    const { fleet, registry } = this.#parts
    if (registry === undefined) return undefined
    const none = new Map<string, never>()
    const { running, waiting } = fleet?.isAttached === true ? fleet.triggers : { running: none, waiting: none }
    return describeHolder(group, { running, waiting, state: registry.state })
  }

  /** Everything between the log and the outside: sinks, functions, triggers, sources, API. */
  async #buildEdges(secrets: ReadonlyMap<string, string>): Promise<void> {
    const config = this.#config
    const parts = this.#parts as Required<Parts>
    const { logger, version } = this.#options
    const { store, reserve, streams, kafka, telemetry, registry, logs, observations } = parts
    const { tracer } = telemetry
    const report: MqttReport = (level, message, facts) => logger[level](facts ?? {}, message)
    const intakeOf = (stream: string): StreamIntake => (streams.get(stream) as HomeStream).intake
    if (config.logging.events) this.#parts.traffic = new TrafficLog(logger)
    if (needsEmbeddedBroker(config))
      parts.broker = new EmbeddedBroker({ config: config.mqtt, dataDir: brokerDir(config), report })
    const { broker } = parts
    parts.listener = createHttpListener({
      config: config.http,
      hasAuthentication: config.api.token !== undefined,
      onUnexpected: error => logger.error({ err: error }, 'a request failed unexpectedly'),
    })
    parts.sinks = buildSinks({ config, broker, kafka, intakeOf })
    const fleet = this.#buildFleet(secrets)
    const { traffic } = this.#parts
    const invoke = new Invoke({
      registry,
      routes: fleet.routes,
      accept: (name, event) => fleet.asynchronous.accept(name, event),
      logs,
      tracer,
    })
    parts.sources = buildSources({
      config,
      listener: parts.listener,
      broker,
      kafka,
      intakeOf,
      reserve,
      invokeOf: text => invoke.replyOf(text),
      store,
      tracer: receiveTracerOf(tracer),
      report,
      traffic,
    })
    const kafkaSources = new Map<string, KafkaSource>()
    for (const source of parts.sources.values())
      if (source instanceof KafkaSource) kafkaSources.set(source.log.stream, source)
    fleet.attach({
      streams,
      kafkaSources,
      sinks: parts.sinks,
      store,
      gate: this.#gate,
      tracer,
      logger,
      traffic,
      recorder: parts.recorder,
    })
    parts.pauses.attach(new EnforcePauses({ triggers: fleet.triggers, engines: fleet.engines, sources: parts.sources }))
    parts.sampler = new StatsSampler(fleet.engines, observations)
    parts.duties = this.#buildDuties(fleet)
    const metrics = new MetricsRegistry()
    telemetry.attach(metrics)
    const { engines, shadows, ends, triggers, asynchronous } = fleet
    const view: GatewayView = {
      ...parts,
      ...{ config, metrics, invoke, engines, shadows, ends, triggers, asynchronous },
      surroundings: this.#surroundings(secrets),
      state: () => this.#options.state(),
    }
    registerMetrics(view)
    this.#custom.register(metrics)
    await registerApi(parts.listener.app, createControl(view), {
      enabled: config.api.enabled,
      dashboard: config.api.dashboard,
      token: config.api.token,
      version,
    })
    if (config.api.enabled && config.api.dashboard) parts.listener.routes.home = dashboardPath
  }

  #buildFleet(secrets: ReadonlyMap<string, string>): Fleet {
    const { telemetry, logs, registry, artifacts, pauses, record } = this.#parts as Required<Parts>
    const { logger } = this.#options
    const surroundings = this.#surroundings(secrets)
    const fleet = new Fleet({
      dataDir: this.#config.dataDir,
      cores: availableParallelism(),
      ...{ registry, pauses, artifacts, logger, record, gate: this.#gate },
      resolve: (name, stored) => resolveVersion(name, stored, surroundings),
      poolOptions: functionVersion => ({
        tracing: telemetry.tracer.enabled,
        compileCacheDirectory: compileCacheDir(this.#config),
        onLog: entry => logs.wrote(functionVersion, entry),
        onMetrics: (changes, dropped) => this.#custom.changed(functionVersion.name, changes, dropped),
        onSpans: spans => telemetry.exportWorkerSpans(spans),
      }),
      onScaling: ({ function: name, version, reason }) =>
        logger.info({ function: name, version }, `workers of ${name} ${reason}`),
      onRetired: engine => this.#parts.sampler?.retired(engine),
    })
    this.#parts.fleet = fleet
    return fleet
  }

  #buildDuties(fleet: Fleet): Duties {
    const { registry, artifacts, sampler, pauses, store } = this.#parts as Required<Parts>
    const { logger } = this.#options
    const failed = (what: string) => (error: unknown) =>
      logger.error({ err: error }, `${what} failed; it is tried again`)
    const rollouts = new Rollouts(registry, fleet.engines, failed('a rollout step'))
    this.#parts.rollouts = rollouts
    const redrives = new Redrives({
      store,
      triggerOf: uid => fleet.triggers.withUid(uid),
      onError: failed('a step of a redrive'),
    })
    this.#parts.redrives = redrives
    return new Duties([
      new Expiries(registry, failed('deleting what has expired')),
      new PauseExpiries(pauses, failed('ending a pause that is over')),
      new OrphanedPauses(pauses, registry, failed('ending the pause of a version that is gone')),
      rollouts,
      redrives,
      new ArtifactCollector(artifacts, registry, fleet.engines, failed('collecting code that nothing refers to')),
      sampler,
    ])
  }

  #surroundings(secrets: ReadonlyMap<string, string>): VersionSurroundings {
    const { bindings, kafka } = this.#config
    const artifacts = this.#parts.artifacts as LocalArtifactStore
    return { secrets, bindings, kafka, modulePath: hash => artifacts.modulePath(hash) }
  }

  async #startStages(): Promise<void> {
    const { sinks, fleet, sources, broker, listener, duties, pauses } = this.#parts as Required<Parts>
    for (const sink of sinks.values()) await sink.start()
    for (const [name, source] of sources) {
      const pause = pauses.of({ kind: 'source', source: name })
      if (pause !== undefined) await source.pause(pause)
    }
    // Kafka sources first: the logs of their triggers stand behind them.
    for (const source of sources.values()) if (source.kind === 'kafka') await source.start()
    await fleet.start()
    for (const source of sources.values()) if (source.kind !== 'kafka') await source.start()
    await (broker as EmbeddedBroker | undefined)?.start()
    duties.start()
    await listener.start()
  }

  /** Left to right: nothing new comes in, what is in is finished, what is finished goes out. Resolves with whether all was. */
  async close(drainMs: number): Promise<boolean> {
    const deadline = performance.now() + drainMs
    const leftMs = (): number => Math.max(0, deadline - performance.now())
    const { sources, broker, listener, fleet, sinks, streams, kafka, store, telemetry, lock, duties } = this.#parts
    let drained = true
    const failed = (what: string, error: unknown): void => {
      drained = false
      this.#options.logger.error({ err: error }, `${what} did not stop cleanly`)
    }
    const step = async (what: string, work: Promise<unknown> | undefined): Promise<void> => {
      await work?.catch((error: unknown) => failed(what, error))
    }
    duties?.stop()
    const local = [...(sources?.values() ?? [])].filter(source => source.kind !== 'kafka')
    await step('a source', Promise.all(local.map(source => source.stop())))
    const areDrained = await fleet?.stopTriggers(leftMs, (name, error) => failed(`trigger ${name}`, error))
    drained &&= areDrained ?? true
    await step('a worker pool', fleet?.engines.stop(leftMs()))
    // After the triggers: their sinks publish through the broker, and probes see the gateway drain.
    await step('the MQTT broker', broker?.stop())
    await step('the HTTP listener', listener?.stop())
    for (const source of sources?.values() ?? [])
      if (source.kind === 'kafka') await step('a Kafka source', source.stop())
    for (const sink of sinks?.values() ?? []) await step(`sink ${sink.name}`, sink.close())
    await step('Kafka', kafka?.close())
    await step('a stream', streams?.close())
    await step('the store', store?.close())
    this.#parts.record?.end()
    await step('the registry', this.#parts.registry?.close())
    this.#parts.recorder?.stop()
    await step('the store of logs', this.#parts.observations?.close())
    this.#parts.traffic?.stop()
    await step('telemetry', telemetry?.shutdown())
    await step('the data directory', lock?.release())
    return drained
  }
}
