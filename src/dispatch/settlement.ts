import { messageOf, SluiceError } from '../errors/sluice-error.ts'
import { isLone, loneKey } from '../store/parked-key.ts'
import { attribute } from '../telemetry/attributes.ts'
import { Histogram } from '../telemetry/histogram.ts'
import type { InvocationOutcome } from '../workers/invocation.ts'
import type { Admission } from './admission.ts'
import { attemptFacts, lastAttempt } from './attempt-facts.ts'
import type { AssignedWindow } from './assigned-window.ts'
import { DeadLetters, type Burial } from './dead-letters.ts'
import type { Delivery } from './delivery.ts'
import { endProcessSpan, startRedeliverySpan, startSettleSpan } from './event-spans.ts'
import { maxHostCrashes, type HostCrashes } from './host-crashes.ts'
import type { KeyOrder } from './key-order.ts'
import type { Lane } from './lane.ts'
import type { ParkedKeys } from './parked-keys.ts'
import { Publication } from './publication.ts'
import type { RecordedResult, RecordedResults } from './recorded-results.ts'
import { decideRetry, type RetryDecision } from './retry-decision.ts'
import type { RouteTarget } from './route.ts'
import type { TriggerOptions } from './trigger-options.ts'

export interface TriggerCounters {
  /** Records that entered a window. */
  received: number
  filtered: number
  skipped: number
  succeeded: number
  failed: number
  retried: number
  parked: number
  /** Events that left the order of their key, to be tried again later. */
  delayed: number
}

/** What becomes of an attempt that may have begun, of a trigger that runs each event at most once. */
const interrupted = {
  kind: 'failed',
  error: {
    reason: 'crash',
    name: 'Interrupted',
    message: 'the attempt may have begun and has no end: its worker was ended for another event, or its batch failed',
  },
  durationMs: 0,
} as const satisfies InvocationOutcome

/** The parts of a trigger that settling an event touches. */
export interface SettlementParts {
  readonly order: KeyOrder
  readonly parked: ParkedKeys
  readonly admission: Admission
  readonly crashes: HostCrashes
  /** Whether a failure counts against the attempts of its event: not while the circuit breaker has opened. */
  readonly isCharged: () => boolean
  /** Something that a pause or a stop may wait for has ended. */
  readonly onProgress: () => void
  /** Dead letters cannot be written (message), or can again (undefined). */
  readonly onBlocked: (problem: string | undefined) => void
  /** Something that must not happen has happened; nothing of the trigger starts any more. */
  readonly onBroken: (problem: string) => void
}

/**
 * What follows an attempt: completion, publication of results, retry, parking, dead letter. Nothing is complete before
 * what it stands for is durable: results acknowledged by their sinks, letters and parked events in the store.
 */
export class Settlement {
  readonly counters: TriggerCounters = {
    received: 0,
    filtered: 0,
    skipped: 0,
    succeeded: 0,
    failed: 0,
    retried: 0,
    parked: 0,
    delayed: 0,
  }
  /** From acceptance to completion, in ms. */
  readonly acceptToDoneMs = new Histogram()
  readonly #options: TriggerOptions
  readonly #parts: SettlementParts
  readonly #deadLetters: DeadLetters
  readonly #publication: Publication
  #finishing = 0
  #stopped = false

  constructor(options: TriggerOptions, parts: SettlementParts) {
    this.#options = options
    this.#parts = parts
    const { store, name, uid, log, random, tracer, sinks, sinkRetry: retry, recorder } = options
    this.#deadLetters = new DeadLetters({ store, trigger: uid, stream: log.stream, onBlocked: parts.onBlocked })
    this.#publication = new Publication({ trigger: name, uid, sinks, retry, tracer, random, recorder })
  }

  /** Publications, burials and parkings under way; a stop waits for them. */
  get finishing(): number {
    return this.#finishing
  }

  get #runsOnce(): boolean {
    return this.#options.delivery === 'at-most-once'
  }

  get deadLettered(): number {
    return this.#deadLetters.written
  }

  get published(): number {
    return this.#publication.published
  }

  /** Ends what would wait for its turn: unfinished events stay uncommitted and come again. */
  stop(): void {
    this.#stopped = true
    this.#publication.stop()
    this.#deadLetters.stop()
  }

  /** Applies the outcome of an attempt of an event whose partition is still assigned. */
  apply(delivery: Delivery, outcome: InvocationOutcome): void {
    const { lane } = delivery
    endProcessSpan(delivery, outcome)
    this.#options.recorder?.attempted(delivery, outcome)
    switch (outcome.kind) {
      case 'succeeded':
        this.counters.succeeded++
        lane.blockedSinceMs = 0
        lane.remove(delivery)
        delivery.results = outcome.results.length
        this.#options.onSettled?.(delivery, outcome)
        if (outcome.results.length === 0 || this.#options.sinks.length === 0) this.complete(delivery)
        else this.#publish(delivery, outcome.results)
        return
      case 'failed':
        if (outcome.endedHost === true && !this.#runsOnce) return this.#endedHost(delivery, outcome)
        return this.#failed(delivery, outcome)
      case 'suspect':
        // What may have run is not run a second time.
        if (this.#runsOnce) return this.#failed(delivery, outcome)
        // Alone in its frame an event is no suspect any more: it is the cause.
        if (delivery.alone) return this.#endedHost(delivery, outcome)
        this.#parts.crashes.suspect(delivery, false)
        delivery.state = 'waiting'
        return
      case 'batch-failed':
        if (this.#runsOnce) return this.#failed(delivery, outcome)
        // Who did it is still to be found: until then nobody is charged, and each runs with fewer others.
        delivery.part = outcome.part
        delivery.state = 'waiting'
        return
      case 'not-started':
        if (outcome.interrupted === true && this.#runsOnce) return this.#failed(delivery, interrupted)
        delivery.state = 'waiting'
        return
    }
  }

  #failed(delivery: Delivery, outcome: Extract<InvocationOutcome, { error: object }>): void {
    this.counters.failed++
    const { lane } = delivery
    if (!this.#runsOnce && !this.#parts.isCharged()) {
      delivery.state = 'waiting'
      return
    }
    const { now, random } = this.#options
    const { reason, message } = outcome.error
    const { retry, engine } = delivery.target as RouteTarget
    const { version } = engine.pool.version
    delivery.addFailure({ attempt: delivery.attempt, atMs: now(), stage: 'handler', reason, message, version })
    const decision: RetryDecision = this.#runsOnce
      ? { kind: 'exhausted', limit: 'attempts' }
      : decideRetry(delivery.attempt, retry, random(), now() - delivery.record.timestampMs)
    delivery.attempt++
    delivery.state = 'waiting'
    if (decision.kind === 'exhausted') {
      lane.remove(delivery)
      this.#options.onSettled?.(delivery, outcome)
      if (decision.limit === 'age') this.buryTooOld(delivery)
      else void this.bury(delivery, { stage: 'handler', reason, message })
    } else {
      this.counters.retried++
      engine.stats.retried()
      if (retry.mode === 'delayed' && this.#mayDelay(delivery)) return this.#delay(delivery, decision.delayMs)
      if (lane.blockedSinceMs === 0) lane.blockedSinceMs = performance.now()
      lane.retryInMs = decision.delayMs
    }
  }

  /** It has certainly ended the thread or process that ran it: not `maxAttempts` counts, but how often it did that. */
  #endedHost(delivery: Delivery, outcome: Extract<InvocationOutcome, { error: object }>): void {
    const { reason, message } = outcome.error
    // A worker that was ended for its silence says nothing about the host.
    if (reason === 'timeout') return this.#failed(delivery, outcome)
    const { lane } = delivery
    const { now } = this.#options
    const { retry, engine } = delivery.target as RouteTarget
    const { version } = engine.pool.version
    this.counters.failed++
    delivery.addFailure({ attempt: delivery.attempt, atMs: now(), stage: 'handler', reason, message, version })
    delivery.attempt++
    delivery.state = 'waiting'
    if (this.#parts.crashes.suspect(delivery, true) >= maxHostCrashes) {
      lane.remove(delivery)
      this.#options.onSettled?.(delivery, outcome)
      return this.buryGuilty(delivery)
    }
    this.counters.retried++
    engine.stats.retried()
    if (lane.blockedSinceMs === 0) lane.blockedSinceMs = performance.now()
    lane.retryInMs = retry.initialDelayMs
  }

  /** Ends an event that has ended its host too often. */
  buryGuilty(delivery: Delivery): void {
    delivery.target ??= delivery.lane.target
    const last = delivery.failures?.at(-1)?.message
    const message = `the event ended the host of its worker ${maxHostCrashes} times: ${last}`
    void this.bury(delivery, { stage: 'handler', reason: 'SLUICE_WORKERS_HOST_CRASH', message })
  }

  /** What waits alone already needs nothing; and what is set aside takes memory, so there is a bound. */
  #mayDelay({ lane, record, sequence }: Delivery): boolean {
    return (sequence >= 0 || !isLone(lane.key, record.offset)) && !this.#parts.parked.isFull
  }

  /** Sets a failed event aside, durably and under a name of its own: its key goes on without it. */
  #delay(delivery: Delivery, delayMs: number): void {
    const { lane, record, sequence } = delivery
    lane.remove(delivery)
    this.counters.delayed++
    if (sequence >= 0) return this.#storeParked(delivery.partition, loneKey(record.offset), [delivery], delayMs)
    const span = startSettleSpan('park', this.#options, delivery)
    void this.#finish(() => this.#parts.parked.leave(delivery, delayMs)).then(() => span?.end())
  }

  /** Moves the waiting events of a key below a sequence number into the store, so that the partition's offset can move past them. */
  park(lane: Lane, delayMs: number, below: number): void {
    const { window } = lane
    const { partition } = lane.head as Delivery
    const deliveries: Delivery[] = []
    while (lane.head !== undefined && lane.head.sequence < below) deliveries.push(lane.shift() as Delivery)
    // An event without a key waits alone: a name of its own keeps it apart from all others.
    const isAlone = lane.key === '' && this.#options.ordering !== 'partition'
    const key = isAlone ? loneKey((deliveries[0] as Delivery).record.offset) : lane.key
    lane.state = 'parked'
    window.release(lane)
    this.#storeParked(partition, key, deliveries, delayMs)
  }

  /** An event of a key that is parked already joins the others in the store. */
  joinParked(window: AssignedWindow, delivery: Delivery): void {
    window.release(delivery.lane)
    this.#storeParked(window.partition, delivery.lane.key, [delivery], 0)
  }

  #storeParked(partition: number, key: string, deliveries: readonly Delivery[], delayMs: number): void {
    this.counters.parked += deliveries.length
    const spans = deliveries.map(delivery => startSettleSpan('park', this.#options, delivery))
    void this.#finish(async () => {
      const durable = await this.#parts.parked.park(partition, key, deliveries, delayMs)
      for (const span of spans) span?.end(durable ? undefined : 'the trigger was stopped first')
      if (!durable) return
      const { recorder } = this.#options
      if (recorder !== undefined) for (const delivery of deliveries) recorder.parked(delivery)
      for (const delivery of deliveries) if (delivery.sequence >= 0) this.#completeOffset(delivery)
    })
  }

  /** Delivers what an earlier life of the event made; it has left its lane, and no handler runs. */
  publishRecorded(delivery: Delivery): void {
    const { results } = delivery.recorded as RecordedResults
    delivery.lane.state = 'idle'
    delivery.results = results.length
    startRedeliverySpan(this.#options, delivery)
    this.#publish(delivery, results)
  }

  /** Results of one key leave in order: each publication waits for the one before. */
  #publish(delivery: Delivery, results: readonly RecordedResult[]): void {
    delivery.state = 'publishing'
    const { lane } = delivery
    const { admission, order, parked } = this.#parts
    const previous = lane.publishing
    lane.publications++
    admission.began(lane.window)
    lane.publishing = this.#finish(async () => {
      let failing = false
      try {
        await previous
        const failure = await this.#publication.publish(delivery, results, () => {
          if (!failing) lane.failingPublications++
          failing = true
        })
        if (failure === undefined) return this.complete(delivery)
        if (failure === 'revoked') return
        const { sink, attempts, error, results: left } = failure
        const { version } = delivery.maker as { version: string }
        const failed = { attempt: attempts, atMs: this.#options.now(), stage: 'sink', version } as const
        delivery.addFailure({ ...failed, reason: error.code, message: error.message })
        await this.bury(delivery, {
          stage: 'sink',
          reason: error.code,
          message: `sink ${sink}: ${error.message}`,
          results: left,
        })
      } finally {
        delivery.span?.end()
        lane.publications--
        if (failing) lane.failingPublications--
        if (lane.publications === 0) lane.publishing = undefined
        if (lane.inFrame === 0 && (lane.state === 'blocked' || lane.state === 'idle')) order.settled(lane)
        if (delivery.sequence < 0) parked.goOn(delivery)
        admission.ended(lane.window)
      }
    })
  }

  /** Ends an event as a dead letter; its key starts nothing before the letter is durable. */
  async bury(delivery: Delivery, burial: Burial): Promise<void> {
    const { lane } = delivery
    delivery.state = 'burying'
    lane.burying++
    const { stage, reason, message } = burial
    const facts = { [attribute.stage]: stage, [attribute.errorType]: reason }
    const span = startSettleSpan('dead-letter', this.#options, delivery, facts)
    const durable = await this.#finish(() => this.#deadLetters.bury(delivery, burial))
    span?.end(durable === true ? message : `not written, the trigger was stopped first: ${message}`)
    lane.burying--
    if (durable !== true) return
    this.#options.logger.warn(
      { ...attemptFacts(delivery, lastAttempt(delivery)), reason: burial.reason },
      `dead letter after ${delivery.failures?.length ?? 0} failed attempts: ${burial.message}`,
    )
    lane.blockedSinceMs = 0
    this.complete(delivery, burial)
    if (lane.inFrame === 0 && lane.state === 'blocked') this.#parts.order.settled(lane)
  }

  /** Ends an event that nothing will ever run, so no attempt of it is charged. */
  buryUnroutable(delivery: Delivery, thrown: unknown): void {
    const { code, message } = SluiceError.from(thrown)
    const results = delivery.recorded?.results
    const stage = results === undefined ? 'handler' : 'sink'
    void this.bury(delivery, { stage, reason: code, message, ...(results === undefined ? {} : { results }) })
  }

  /** Ends an event that has attempts left and is too old for them. */
  buryTooOld(delivery: Delivery): void {
    // What comes from the store has not been run here: the version that would have is told.
    delivery.target ??= delivery.lane.target
    const { maxAgeMs } = (delivery.target as RouteTarget).retry
    const last = delivery.failures?.at(-1)
    const message = `no further attempt: the event is older than retry.maxAgeMs, ${maxAgeMs} ms; the last one failed with ${last?.reason}: ${last?.message}`
    void this.bury(delivery, { stage: 'handler', reason: 'too-old', message })
  }

  /** The event is done: its results are out, or it is a durable dead letter, or it was skipped. */
  complete(delivery: Delivery, burial?: Burial): void {
    if (this.#parts.crashes.size > 0) this.#parts.crashes.forget(delivery)
    if (delivery.sequence >= 0) this.#completeOffset(delivery)
    else {
      delivery.state = 'done'
      void this.#finish(() => this.#parts.parked.completed(delivery, burial !== undefined))
    }
    this.acceptToDoneMs.record(this.#options.now() - delivery.record.timestampMs)
    this.#options.onDone?.(delivery, burial !== undefined)
    this.#options.recorder?.completed(delivery, burial)
  }

  #completeOffset(delivery: Delivery): void {
    delivery.state = 'done'
    this.#parts.admission.complete(delivery.lane.window, delivery.sequence, delivery.byteLength)
  }

  /** Work that a stop waits for. What it throws while stopping means: not complete, it comes again. */
  async #finish<T>(work: () => Promise<T>): Promise<T | undefined> {
    this.#finishing++
    try {
      return await work()
    } catch (thrown) {
      if (this.#stopped) return undefined
      this.#options.logger.error(
        { trigger: this.#options.name, err: thrown },
        'dispatch failed unexpectedly; the event stays uncommitted',
      )
      // Its key would stand still without a word; this way the trigger says that it needs a restart.
      this.#parts.onBroken(
        `dispatch failed unexpectedly: ${messageOf(thrown)}; a restart runs what is uncommitted again`,
      )
      return undefined
    } finally {
      this.#finishing--
      this.#parts.onProgress()
    }
  }
}
