import { availableParallelism } from 'node:os'
import { registerApi } from './api/register-api.ts'
import type { GatewayAddresses } from './cli/ready-banner.ts'
import type { Config } from './config/config.ts'
import type { SluiceError } from './errors/sluice-error.ts'
import { loadFunctions } from './functions/load-functions.ts'
import { buildSinks } from './gateway/build-sinks.ts'
import { brokerDir, buildSources, needsEmbeddedBroker } from './gateway/build-sources.ts'
import { buildTriggers, type RunningTrigger } from './gateway/build-triggers.ts'
import { createControl } from './gateway/control.ts'
import { FunctionEngines } from './gateway/function-engines.ts'
import { logFunctionEntry } from './gateway/function-log.ts'
import { registerMetrics } from './gateway/gateway-metrics.ts'
import { openHomeStreams, type HomeStream } from './gateway/home-streams.ts'
import { createInvoke } from './gateway/invoke.ts'
import { receiveTracerOf } from './gateway/receive-tracing.ts'
import { TrafficLog } from './gateway/traffic-log.ts'
import { lockDataDirectory, type DataDirectoryLock } from './log/embedded/data-dir-lock.ts'
import type { KafkaClient } from './log/kafka/kafka-client.ts'
import { createKafkajsClient } from './log/kafka/kafkajs/kafkajs-client.ts'
import type { CreateGateway, GatewayOptions, RunnableGateway } from './run-gateway.ts'
import type { Sink } from './sinks/sink.ts'
import { createHttpListener, type HttpListener } from './sources/http/http-listener.ts'
import { KafkaSource } from './sources/kafka/source.ts'
import { EmbeddedBroker } from './sources/mqtt/broker.ts'
import type { MqttReport } from './sources/mqtt/report.ts'
import type { Source, StreamIntake } from './sources/source.ts'
import type { HomeStore } from './store/home-store.ts'
import { openSqliteStore } from './store/sqlite-store.ts'
import { MetricsRegistry } from './telemetry/metrics-registry.ts'
import { startTelemetry, type Telemetry } from './telemetry/start-telemetry.ts'

/** Everything that runs; what is undefined is not built yet, or not needed. */
interface Parts {
  telemetry?: Telemetry
  lock?: DataDirectoryLock
  store?: HomeStore
  streams?: ReadonlyMap<string, HomeStream>
  kafka?: KafkaClient
  broker?: EmbeddedBroker
  listener?: HttpListener
  engines?: FunctionEngines
  sinks?: ReadonlyMap<string, Sink>
  sources?: ReadonlyMap<string, Source>
  triggers?: ReadonlyMap<string, RunningTrigger>
  traffic?: TrafficLog
}

export const createGateway: CreateGateway = (config, options) => new Gateway(config, options)

/**
 * The composition root: builds the stages from right to left, starts them from right to left, stops them from left to
 * right, so that no stage ever hands on to one that is not there.
 *
 *   created ──start()──▶ starting ──▶ running ──stop()──▶ stopping ──▶ stopped
 *                           └── a part fails: what is open is closed ──▶ stopped
 */
class Gateway implements RunnableGateway {
  readonly #config: Config
  readonly #options: GatewayOptions
  readonly #parts: Parts = {}
  #state: 'created' | 'starting' | 'running' | 'stopping' | 'stopped' = 'created'
  #starting: Promise<GatewayAddresses> | undefined
  #failure: SluiceError | undefined
  #closing: Promise<boolean> | undefined

  constructor(config: Config, options: GatewayOptions) {
    this.#config = config
    this.#options = options
  }

  async start(): Promise<GatewayAddresses> {
    this.#state = 'starting'
    this.#starting = this.#start()
    try {
      const addresses = await this.#starting
      this.#state = 'running'
      return addresses
    } catch (error) {
      await this.#close(0)
      throw error
    }
  }

  async stop({ drainMs }: { drainMs: number; reason: string }): Promise<{ drained: boolean }> {
    await this.#starting?.catch(() => undefined)
    if (this.#state === 'stopped') return { drained: true }
    this.#state = 'stopping'
    return { drained: await this.#close(drainMs) }
  }

  async #start(): Promise<GatewayAddresses> {
    const config = this.#config
    const { logger, version } = this.#options
    const versions = loadFunctions(config)
    const parts = this.#parts
    parts.lock = await lockDataDirectory(config.dataDir)
    parts.telemetry = await startTelemetry({ config: config.telemetry, logger, version })
    const { telemetry } = parts
    parts.engines = new FunctionEngines({
      cores: availableParallelism(),
      poolOptions: ({ name }) => ({
        tracing: telemetry.tracer.enabled,
        onLog: entry => logFunctionEntry(logger, name, entry),
        onSpans: spans => telemetry.exportWorkerSpans(spans),
      }),
      onScaling: ({ function: name, reason }) => logger.info({ function: name }, `workers of ${name} ${reason}`),
    })
    await parts.engines.check(versions.values())
    for (const functionVersion of versions.values()) parts.engines.add(functionVersion)

    const onFatal = (error: SluiceError): void => this.#fatal(error)
    parts.store = await openSqliteStore({ dir: config.dataDir, onFatal })
    parts.streams = await openHomeStreams(config, onFatal)
    if (config.kafka.brokers.length > 0) parts.kafka = this.#createKafka()
    await this.#buildEdges()
    await this.#startStages()
    const { listener, broker } = parts
    return {
      http: listener?.url ?? '',
      mqtt: broker === undefined ? undefined : `mqtt://${config.mqtt.host}:${broker.port}`,
    }
  }

  #createKafka(): KafkaClient {
    const { brokers, clientId, ssl, sasl } = this.#config.kafka
    const { logger } = this.#options
    return createKafkajsClient({
      brokers,
      clientId,
      ...(ssl === undefined ? {} : { ssl }),
      ...(sasl === undefined ? {} : { sasl }),
      log: (level, message, details) => logger[level]({ ...details, part: 'kafka' }, message),
      logLevel: 'error',
      // Below the time that a stop may take: a commit that Kafka does not answer must not hold it up.
      commitTimeoutMs: 5_000,
    })
  }

  /** Everything between the log and the outside: sinks, triggers, sources, API. */
  async #buildEdges(): Promise<void> {
    const config = this.#config
    const parts = this.#parts as Required<Parts>
    const { logger, version } = this.#options
    const { engines, store, streams, kafka, telemetry } = parts
    const report: MqttReport = (level, message, facts) => logger[level](facts ?? {}, message)
    const intakeOf = (stream: string): StreamIntake => (streams.get(stream) as HomeStream).intake
    if (config.logging.events) parts.traffic = new TrafficLog(logger)
    if (needsEmbeddedBroker(config))
      parts.broker = new EmbeddedBroker({ config: config.mqtt, dataDir: brokerDir(config), report })
    const { broker } = parts
    parts.listener = createHttpListener({
      config: config.http,
      hasAuthentication: config.api.token !== undefined,
      onUnexpected: error => logger.error({ err: error }, 'a request failed unexpectedly'),
    })
    parts.sinks = buildSinks({ config, broker, kafka, intakeOf })
    const invoke = createInvoke(engines, telemetry.tracer)
    parts.sources = buildSources({
      config,
      listener: parts.listener,
      broker,
      kafka,
      intakeOf,
      invokeOf: invoke.replyOf,
      deadLetters: { store, now: Date.now },
      tracer: receiveTracerOf(telemetry.tracer),
      report,
      traffic: this.#parts.traffic,
    })
    const kafkaSources = new Map<string, KafkaSource>()
    for (const source of parts.sources.values())
      if (source instanceof KafkaSource) kafkaSources.set(source.log.stream, source)
    const { sinks } = parts
    const { tracer } = telemetry
    parts.triggers = buildTriggers({
      config,
      streams,
      kafkaSources,
      sinks,
      engines,
      store,
      tracer,
      logger,
      traffic: this.#parts.traffic,
    })
    const registry = new MetricsRegistry()
    telemetry.attach(registry)
    const view = { ...parts, config, registry, invoke, state: () => ({ state: this.#state, failure: this.#failure }) }
    registerMetrics(view)
    await registerApi(parts.listener.app, createControl(view), {
      enabled: config.api.enabled,
      token: config.api.token,
      version,
    })
  }

  async #startStages(): Promise<void> {
    const { sinks, engines, triggers, sources, broker, listener, store } = this.#parts as Required<Parts>
    const pauses = await store.pauses()
    for (const sink of sinks.values()) await sink.start()
    engines.controller.start()
    // Kafka sources first: the logs of their triggers stand behind them.
    for (const source of sources.values()) if (source.kind === 'kafka') await source.start()
    for (const { name, dispatch } of triggers.values()) await dispatch.start(pauses.get(`trigger:${name}`))
    for (const source of sources.values()) if (source.kind !== 'kafka') await source.start()
    await (broker as EmbeddedBroker | undefined)?.start()
    await listener.start()
  }

  /** Left to right: nothing new comes in, what is in is finished, what is finished goes out. */
  #close(drainMs: number): Promise<boolean> {
    // A signal may come while a failed start is being cleaned up: both wait for the one close.
    return (this.#closing ??= this.#closeAll(drainMs))
  }

  async #closeAll(drainMs: number): Promise<boolean> {
    const deadline = performance.now() + drainMs
    const leftMs = (): number => Math.max(0, deadline - performance.now())
    const { sources, broker, listener, triggers, engines, sinks, streams, kafka, store, telemetry, lock, traffic } =
      this.#parts
    let drained = true
    const step = async (what: string, work: Promise<unknown> | undefined): Promise<void> => {
      await work?.catch((error: unknown) => {
        drained = false
        this.#options.logger.error({ err: error }, `${what} did not stop cleanly`)
      })
    }
    const local = [...(sources?.values() ?? [])].filter(source => source.kind !== 'kafka')
    await step('a source', Promise.all(local.map(source => source.stop())))
    const stopTrigger = async ({ name, dispatch }: RunningTrigger): Promise<void> =>
      step(
        `trigger ${name}`,
        dispatch.stop(leftMs()).then(isDrained => (drained &&= isDrained)),
      )
    await Promise.all([...(triggers?.values() ?? [])].map(stopTrigger))
    await step('a worker pool', engines?.stop(leftMs()))
    // After the triggers: their sinks publish through the broker, and probes see the gateway drain.
    await step('the MQTT broker', broker?.stop())
    await step('the HTTP listener', listener?.stop())
    for (const source of sources?.values() ?? [])
      if (source.kind === 'kafka') await step('a Kafka source', source.stop())
    for (const sink of sinks?.values() ?? []) await step(`sink ${sink.name}`, sink.close())
    await step('Kafka', kafka?.close())
    for (const { name, log } of streams?.values() ?? []) await step(`stream ${name}`, log.close())
    await step('the store', store?.close())
    traffic?.stop()
    await step('telemetry', telemetry?.shutdown())
    await step('the data directory', lock?.release())
    this.#state = 'stopped'
    return drained
  }

  #fatal(error: SluiceError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#options.onFatal(error)
  }
}
