import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { isReady, readDeadLetters, readTriggers, type DeadLetter } from './gateway-api.ts'
import { GatewayChild } from './gateway-child.ts'
import { killAgainAndAgain, type KillReport } from './killer.ts'
import { DoneLedgerReader, KindLedger } from './ledger.ts'
import type { DemoOptions } from './options.ts'
import type { ProgressView } from './progress.ts'
import { createRandom } from './random.ts'
import { sendWebhooks } from './senders/http.ts'
import { createOrderTopics, type OrderTopics } from './senders/kafka.ts'
import { sendReadings } from './senders/mqtt.ts'
import { createPace } from './senders/pace.ts'
import { summarise, type Summary } from './summary.ts'
import { createWorkload, type Kind } from './workload.ts'

export interface DemoResult {
  readonly summary: Summary
  readonly deadLetters: ReadonlyMap<Kind, readonly DeadLetter[]>
}

const readIntervalMs = 50
const askIntervalMs = 300
/** A gateway without lag for so long has nothing left that could still become done. */
const idleLimitMs = 5_000
/** No event done, buried or accepted for so long, with the gateway running: what is missing now is not to come. */
const stallMs = 60_000

/** Keeps the moments of killing apart from the random numbers of the workloads. */
const killSeedOffset = 1_000_003

/**
 * One run: starts the gateway, sends, kills when asked to, waits until every accepted event is accounted for, stops the
 * gateway and adds up. Whoever makes it gives the directory, and calls `dispose` whatever happens.
 */
export class DemoRun {
  readonly #options: DemoOptions
  readonly #directory: string
  readonly #signal: AbortSignal
  readonly #ledgers: readonly KindLedger[]
  readonly #reader: DoneLedgerReader
  readonly #kills: KillReport
  readonly #buried = new Map<Kind, number>()
  #gateway: GatewayChild | undefined
  #orders: OrderTopics | undefined

  constructor(options: DemoOptions, directory: string, signal: AbortSignal) {
    this.#options = options
    this.#directory = directory
    this.#signal = signal
    const kinds: Kind[] = ['webhooks', 'telemetry', ...(options.kafkaBrokers === undefined ? [] : ['orders' as const])]
    // A seed of its own for each kind: the webhooks of a run are the same with and without Kafka.
    this.#ledgers = kinds.map((kind, index) => {
      return new KindLedger(kind, createWorkload(kind, options.events, createRandom(options.seed + index)))
    })
    const byKind = new Map(this.#ledgers.map(ledger => [ledger.kind as string, ledger]))
    this.#reader = new DoneLedgerReader(join(directory, 'done.log'), byKind)
    this.#kills = { planned: options.kills, killed: 0, readyMs: [] }
  }

  /** For the progress; at any time. */
  view(): ProgressView {
    const { planned, killed } = this.#kills
    const state = this.#gateway?.state ?? 'not started yet'
    const gateway = planned === 0 ? state : `${state}, killed ${killed} of ${planned}`
    return { ledgers: this.#ledgers, deadLetters: this.#buried, gateway }
  }

  /** @throws {Error} when the gateway does not run, Kafka is not there, or the signal says so. */
  async run(): Promise<DemoResult> {
    const startedAt = performance.now()
    const run = `sluice-demo-${randomBytes(4).toString('hex')}`
    const secret = `whsec_${randomBytes(24).toString('base64')}`
    const { kafkaBrokers } = this.#options
    if (kafkaBrokers !== undefined) this.#orders = await createOrderTopics(kafkaBrokers, run)
    const gateway = await GatewayChild.create(this.#directory, {
      SLUICE_DEMO_DIR: this.#directory,
      SLUICE_DEMO_RUN: run,
      SHOP_WEBHOOK_SECRET: secret,
    })
    this.#gateway = gateway
    this.#signal.throwIfAborted()
    await gateway.start()
    while (!(await isReady(gateway.httpUrl)))
      await Promise.race([wait(askIntervalMs, undefined, { signal: this.#signal }), gateway.died])
    const deadLetters = await this.#untilItEnds(gateway, secret)
    const exitCode = await gateway.stop()
    // A function that was still running has written its line before the gateway was gone.
    await this.#reader.read()
    const durationMs = performance.now() - startedAt
    const [options, ledgers, kills] = [this.#options, this.#ledgers, this.#kills]
    return { summary: summarise({ options, ledgers, deadLetters, kills, durationMs, exitCode }), deadLetters }
  }

  /** Whether there is anything to look at after a failure. */
  get hasData(): boolean {
    return this.#gateway !== undefined
  }

  /** SIGKILL for the gateway, without waiting: for the last moment of a process. */
  killNow(): void {
    this.#gateway?.killNow()
  }

  /** Ends what still runs and removes what Kafka has of this run; not the directory. */
  async dispose(): Promise<void> {
    await this.#gateway?.kill()
    await this.#reader.close()
    await this.#orders?.remove()
  }

  async #untilItEnds(gateway: GatewayChild, secret: string): Promise<ReadonlyMap<Kind, readonly DeadLetter[]>> {
    const ending = new AbortController()
    const signal = AbortSignal.any([this.#signal, ending.signal])
    const senders = Promise.all([...this.#send(gateway, secret, signal), this.#kill(gateway, signal)])
    const reading = this.#readLedger(signal)
    const asking = this.#askForDeadLetters(gateway, signal)
    const tasks = [senders, reading, asking]
    for (const task of tasks) task.catch(() => undefined)
    try {
      const stalled = this.#stall(gateway, signal)
      stalled.catch(() => undefined)
      const settled = senders.then(() => this.#settle(gateway, signal))
      settled.catch(() => undefined)
      return await Promise.race([settled, stalled, gateway.died, reading.then(never), asking.then(never)])
    } finally {
      ending.abort()
      await Promise.allSettled(tasks)
    }
  }

  #send(gateway: GatewayChild, secret: string, signal: AbortSignal): Promise<void>[] {
    const pace = createPace(this.#options.ratePerS)
    return this.#ledgers.map(ledger => {
      switch (ledger.kind) {
        case 'webhooks':
          return sendWebhooks({ url: gateway.httpUrl, path: '/hooks/shop', secret, ledger, pace, signal })
        case 'telemetry':
          return sendReadings({ url: gateway.mqttUrl, ledger, pace, signal })
        case 'orders':
          return (this.#orders as OrderTopics).send({ ledger, pace, signal })
      }
    })
  }

  #kill(gateway: GatewayChild, signal: AbortSignal): Promise<void> {
    // Orders are accepted by Kafka, also while the gateway is down: they say nothing of what it is doing.
    const driven = this.#ledgers.filter(({ kind }) => kind !== 'orders')
    const accepted = () => driven.reduce((sum, ledger) => sum + ledger.acceptedAtMs.size, 0)
    const total = driven.length * this.#options.events
    const random = createRandom(this.#options.seed + killSeedOffset)
    return killAgainAndAgain({ gateway, report: this.#kills, random, total, accepted, signal })
  }

  async #readLedger(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#reader.read()
      await wait(readIntervalMs, undefined, { signal }).catch(() => undefined)
    }
  }

  async #askForDeadLetters(gateway: GatewayChild, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const triggers = gateway.state === 'running' ? await readTriggers(gateway.httpUrl) : undefined
      for (const { name, deadLetters } of triggers ?? []) this.#buried.set(name as Kind, deadLetters)
      await wait(askIntervalMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /**
   * Resolves when every accepted event is done or a dead letter, and nothing runs a second time any more; also when the
   * gateway has had nothing to do for a while although some are missing: the summary then calls them lost.
   */
  async #settle(gateway: GatewayChild, signal: AbortSignal): Promise<ReadonlyMap<Kind, readonly DeadLetter[]>> {
    let idleSinceMs: number | undefined
    for (;;) {
      const triggers = await readTriggers(gateway.httpUrl)
      // Without Kafka the trigger of orders is listed and does not run: it has nothing to settle.
      const used = triggers?.filter(({ name }) => this.#ledgers.some(({ kind }) => kind === name))
      const isIdle = used?.every(({ lag, inFlight }) => lag === 0 && inFlight === 0) ?? false
      idleSinceMs = isIdle ? (idleSinceMs ?? performance.now()) : undefined
      if (idleSinceMs !== undefined) {
        const letters = await this.#deadLetters(gateway)
        const isAccounted = this.#ledgers.every(ledger => {
          const buried = new Set(letters.get(ledger.kind)?.map(({ id }) => id))
          return ledger.open().every(id => buried.has(id))
        })
        if (isAccounted || performance.now() - idleSinceMs > idleLimitMs) return letters
      }
      await wait(readIntervalMs, undefined, { signal })
    }
  }

  /** Resolves when nothing has moved for long: then what is missing is lost, and the summary says so. */
  async #stall(gateway: GatewayChild, signal: AbortSignal): Promise<ReadonlyMap<Kind, readonly DeadLetter[]>> {
    let last = ''
    let sinceMs = performance.now()
    for (;;) {
      await wait(askIntervalMs, undefined, { signal })
      const counts = this.#ledgers.map(ledger => [ledger.acceptedAtMs.size, ledger.doneAtMs.size, ledger.duplicates])
      const now = JSON.stringify([counts, [...this.#buried], this.#kills.killed])
      if (now !== last || gateway.state !== 'running') {
        last = now
        sinceMs = performance.now()
      }
      if (performance.now() - sinceMs > stallMs) return this.#deadLetters(gateway)
    }
  }

  async #deadLetters(gateway: GatewayChild): Promise<ReadonlyMap<Kind, readonly DeadLetter[]>> {
    const letters = new Map<Kind, readonly DeadLetter[]>()
    for (const { kind } of this.#ledgers) {
      letters.set(kind, await readDeadLetters(gateway.httpUrl, kind))
      this.#buried.set(kind, letters.get(kind)?.length ?? 0)
    }
    return letters
  }
}

/** For the branches of a race that only matter when they fail. */
function never(): Promise<never> {
  return new Promise(() => undefined)
}
