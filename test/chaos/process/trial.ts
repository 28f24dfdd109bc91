import { join } from 'node:path'
import { partitionFor } from '../../../src/log/partitioner.ts'
import { prepareGateway, type GatewayProcess, type GatewaySetup } from '../../e2e/gateway-process.ts'
import { sendWebhooks, type WebhookRun } from '../../e2e/webhook-sender.ts'
import { dumpDeadLetters } from '../checker/dead-letter-dump.ts'
import { publishCarefully } from './careful-device.ts'
import { nowUs, type EventIdentity, type History, type Interruption, type PauseSpan } from '../checker/history.ts'
import { judge, type Rules } from '../checker/judge.ts'
import { RunJournal } from '../checker/run-journal.ts'
import { readSentJournal, SentJournal } from '../checker/sent-journal.ts'
import type { Verdict } from '../checker/verdict.ts'

type Json = Record<string, unknown>

export interface TrialOptions extends Pick<GatewaySetup, 'env' | 'nodeArgs'> {
  /** Settings of the function, over those of {@link Trial}. */
  readonly function?: Json
  /** Environment of the function beside its journal, such as WORK_MS. */
  readonly functionEnvironment?: Readonly<Record<string, string>>
  readonly trigger?: Json
  /** Default: in the directory of the trial. */
  readonly dataDir?: string
  readonly stream?: Json
  /** Sections beside those of the trial; of `sources`, `functions`, `triggers`, `streams` those that are not there. */
  readonly more?: (trial: { readonly journal: string }) => Readonly<Record<string, Json>>
}

export const partitions = 4
/** Events of one partition beyond its committed offset: what a crash may repeat. */
export const window = 100
export const triggerName = 'journal'
const streamName = 'events'

/** Keys of devices begin with `d`, those of webhooks do not. */
export const isOfDevice = ({ key }: { readonly key: string }): boolean => key.startsWith('d')

/**
 * One gateway with webhooks and devices into one stream, a function that writes a journal, and the ledgers of everybody
 * around it. It is killed and started on the same data; in the end all that was acknowledged must have been done.
 */
export class Trial implements AsyncDisposable {
  readonly gateway: GatewayProcess
  readonly runs: RunJournal
  readonly sent: SentJournal
  readonly interruptions: Interruption[] = []
  readonly pauses: PauseSpan[] = []
  readonly #sentFile: string
  readonly #stopSending = new AbortController()
  readonly #abandoned = new AbortController()
  readonly #sending: Promise<void>[] = []
  #deadLetters: readonly EventIdentity[] = []

  private constructor(gateway: GatewayProcess, runs: RunJournal, sent: SentJournal, sentFile: string) {
    this.gateway = gateway
    this.runs = runs
    this.sent = sent
    this.#sentFile = sentFile
  }

  /** Prepares the gateway and starts it. */
  static async start(options: TrialOptions = {}): Promise<Trial> {
    const trial = await Trial.prepare(options)
    try {
      await trial.gateway.start()
      await trial.gateway.ready()
      return trial
    } catch (error) {
      await trial[Symbol.asyncDispose]()
      throw error
    }
  }

  static async prepare(options: TrialOptions = {}): Promise<Trial> {
    const gateway = await prepareGateway({ config: {}, ...options })
    const sentFile = gateway.path('sent')
    const trial = new Trial(gateway, new RunJournal(gateway.path('runs')), await SentJournal.create(sentFile), sentFile)
    await gateway.configure(trial.#config(options))
    return trial
  }

  /** Webhooks from now until {@link finish}, each key in order on one connection. */
  sendWebhooks(run: Partial<WebhookRun> = {}): void {
    const { url } = this.gateway
    const defaults = {
      path: '/hooks',
      connections: 16,
      keys: 64,
      events: Infinity,
      retryMs: 20,
      eventsPerSecond: 1_000,
    }
    const { signal } = this.#stopSending
    this.#send(sendWebhooks({ url, signal, ledger: this.sent, ...defaults, ...run }))
  }

  /** Devices that publish at QoS 1 from now until {@link finish}, to the gateway unless another broker is named. */
  publishFromDevices(
    run: { readonly devices?: number; readonly messagesPerSecond?: number; readonly port?: number } = {},
  ): void {
    const { devices = 16, messagesPerSecond = 400, port = this.gateway.mqttPort } = run
    const everyMs = (1_000 * devices) / messagesPerSecond
    const { signal } = this.#stopSending
    const shared = {
      port,
      everyMs,
      ledger: this.sent,
      signal,
      abandoned: this.#abandoned.signal,
    }
    for (let device = 0; device < devices; device++) this.#send(publishCarefully({ ...shared, key: `d${device}` }))
  }

  /** SIGKILL, and a new process on the same data; resolves when it is ready. */
  async killAndRestart(): Promise<void> {
    await this.gateway.kill()
    await this.#restart({ atUs: nowUs() })
  }

  /** A new process on the data of one that was killed. */
  async restartKilled(): Promise<void> {
    await this.#restart({ atUs: nowUs() })
  }

  /** SIGTERM, and a new process on the same data. Gives the end of the old one and how long it took, in ms. */
  async stopAndRestart(): Promise<{ readonly code: number | null; readonly tookMs: number }> {
    const startedMs = performance.now()
    const { code } = await this.gateway.process.stop(60_000)
    const tookMs = performance.now() - startedMs
    await this.#restart({ atUs: nowUs(), isClean: code === 0 })
    return { code, tookMs }
  }

  /** Nothing is sent any more, all that was acknowledged is processed, the gateway stops. */
  async finish(timeoutMs = 120_000): Promise<void> {
    await this.stopSending()
    await this.settle(timeoutMs)
    this.#deadLetters = await dumpDeadLetters(this.gateway, triggerName)
    await this.gateway.stop()
  }

  /** Senders have their last answers. */
  async stopSending(): Promise<void> {
    this.#stopSending.abort()
    await Promise.all(this.#sending)
  }

  /** Resolves when the trigger has nothing left, or has nothing left that it could do. */
  async settle(timeoutMs = 120_000): Promise<void> {
    await this.gateway.until(
      'settled',
      async () => {
        const { lag, inFlight, parkedEvents } = await this.gateway.trigger(triggerName)
        return lag === 0 && inFlight === 0 && parkedEvents === 0
      },
      timeoutMs,
    )
  }

  /** What happened. The gateway may run or not. @param deadLetters default: those that were there in {@link finish}. */
  async history(deadLetters = this.#deadLetters): Promise<History> {
    await this.sent.close()
    const runs = await this.runs.read()
    const { interruptions, pauses } = this
    const { unreadable } = this.runs
    return { sent: await readSentJournal(this.#sentFile), runs, deadLetters, interruptions, pauses, unreadable }
  }

  deadLetters(): Promise<readonly EventIdentity[]> {
    return dumpDeadLetters(this.gateway, triggerName)
  }

  async judge(rules: Partial<Rules> = {}, deadLetters?: readonly EventIdentity[]): Promise<Verdict> {
    return judge(await this.history(deadLetters), {
      isOrdered: true,
      window,
      partitionOf,
      isDeduplicated: event => !isOfDevice(event),
      ...rules,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopSending.abort()
    this.#abandoned.abort()
    await this.runs.close()
    await this.sent.close().catch(() => undefined)
    await this.gateway.dispose()
    // What is still being sent ends with the connections to a gateway that is gone.
    await Promise.allSettled(this.#sending)
  }

  #send(sending: Promise<void>): void {
    this.#sending.push(sending)
    // A sender that breaks is told of when the sending is stopped.
    sending.catch(() => undefined)
  }

  async #restart(interruption: Interruption): Promise<void> {
    await this.gateway.restart()
    this.interruptions.push({ ...interruption, readyUs: nowUs() })
  }

  #config(options: TrialOptions): Json {
    const more = options.more?.({ journal: this.runs.file }) ?? {}
    const mapping = { type: 'test.event', id: { pointer: '/id' } }
    return {
      ...more,
      ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir }),
      streams: { [streamName]: { partitions, ...options.stream }, ...more['streams'] },
      sources: {
        hooks: {
          type: 'http',
          path: '/hooks',
          stream: streamName,
          deduplicate: { pointer: '/id' },
          mapping: { ...mapping, partitionkey: { pointer: '/key' } },
        },
        devices: {
          type: 'mqtt',
          topics: ['devices/+/telemetry'],
          stream: streamName,
          mapping: { ...mapping, partitionkey: { topicLevel: 1 } },
        },
        ...more['sources'],
      },
      functions: {
        journal: {
          file: functionFile('journal.mjs'),
          environment: { JOURNAL: this.runs.file, ...options.functionEnvironment },
          ...options.function,
        },
        ...more['functions'],
      },
      triggers: {
        [triggerName]: { stream: streamName, function: 'journal', maxInFlight: window, ...options.trigger },
        ...more['triggers'],
      },
    }
  }
}

/** Functions of these experiments. */
export const functionFile = (name: string): string => join(import.meta.dirname, '../functions', name)

export const partitionOf = (key: string): number => partitionFor(Buffer.from(key), partitions, () => 0)
