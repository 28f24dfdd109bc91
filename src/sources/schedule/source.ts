import { parseCron, type CronSchedule } from '../../config/cron-schedule.ts'
import type { ScheduleSourceConfig } from '../../config/sections/schedule-source.ts'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import type { Acceptance, IncomingEvent, Source, SourceState, SourceStats, StreamIntake } from '../source.ts'
import type { PauseRecord } from '../../store/home-store.ts'
import type { ReceiveSpan, ReceiveTracer } from '../receive-tracer.ts'
import { pauseDetail } from '../source-pause.ts'
import { decideDueTicks } from './due-ticks.ts'
import { systemTime, type ScheduleTime } from './schedule-time.ts'
import { createTickEvent, tickTime } from './tick-event.ts'

/** Where it is kept up to when the ticks of a source are done; the home store implements it. */
export interface TickStore {
  scheduleTick(source: string): Promise<number | undefined>
  putScheduleTick(source: string, tickMs: number): Promise<void>
}

export interface ScheduleSourceOptions {
  readonly name: string
  readonly config: ScheduleSourceConfig
  readonly intake: StreamIntake
  readonly store: TickStore
  /** Absent: ticks are not traced. */
  readonly tracer?: ReceiveTracer | undefined
  /** Default: the clock and timers of the system. */
  readonly time?: ScheduleTime
}

/**
 * Timers do not run while the machine sleeps and know nothing of a clock that is set: the wall clock is looked at this
 * often. It also keeps every timer below the 2^31 ms that Node can wait.
 */
const longestWaitMs = 30_000
/** Ticks of one append; only many missed ones fill it. */
const maxBatchTicks = 100
const firstRetryMs = 100
const lastRetryMs = 10_000

/**
 * One event per tick, durable before the tick counts as done: first the event is appended, then the tick is recorded.
 * After a crash between the two the tick fires again, as the same event, which the stream knows by its id if it comes
 * within its deduplication window. What the stream refuses is tried until it is in; the ticks that fall due meanwhile
 * are handled as missed ones are.
 *
 *   stopped ──start()──▶ starting ──▶ running ⇄ impaired (stream or store refuse, or the clock went back) ──stop()──▶ stopped
 *                                     running ──pause()──▶ paused ──resume()──▶ starting
 */
export class ScheduleSource implements Source {
  readonly kind = 'schedule'
  readonly name: string
  readonly #options: ScheduleSourceOptions
  readonly #schedule: CronSchedule
  readonly #time: ScheduleTime
  readonly #eventOf: (tickMs: number, nowMs: number) => IncomingEvent
  readonly #refused: Record<string, number> = {}
  #state: SourceState = 'stopped'
  #detail: string | undefined
  #accepted = 0
  #duplicates = 0
  #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #pause: PauseRecord | undefined

  /** @throws {Error} for a cron expression or time zone that is not valid; see scheduleProblems. */
  constructor(options: ScheduleSourceOptions) {
    const { name, config } = options
    this.name = name
    this.#options = options
    this.#schedule = parseCron(config.cron, config.timezone)
    this.#time = options.time ?? systemTime
    this.#eventOf = createTickEvent(name, config)
  }

  get state(): SourceState {
    return this.#state
  }

  /** @throws {SluiceError} what the store throws. */
  async start(): Promise<void> {
    if (this.#state !== 'stopped') return
    if (this.#pause !== undefined) return this.#setState('paused', pauseDetail(this.#pause))
    this.#setState('starting')
    this.#stopping = new AbortController()
    try {
      const lastMs = await this.#lastTick()
      this.#running = this.#run(lastMs, this.#stopping.signal).catch((thrown: unknown) =>
        this.#setState('impaired', `stopped by an error: ${messageOf(thrown)}`),
      )
    } catch (error) {
      this.#setState('stopped')
      throw error
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    this.#setState('stopped')
  }

  /** Ticks that fall due meanwhile are missed: `missed` says what becomes of them, as after a stop. */
  async pause(pause: PauseRecord): Promise<void> {
    this.#pause = pause
    if (this.#state === 'stopped') return
    await this.stop()
    this.#setState('paused', pauseDetail(pause))
  }

  async resume(): Promise<void> {
    this.#pause = undefined
    if (this.#state !== 'paused') return
    this.#setState('stopped')
    await this.start()
  }

  stats(): SourceStats {
    const { state } = this
    return {
      state,
      accepted: this.#accepted,
      duplicates: this.#duplicates,
      refused: { ...this.#refused },
      ...(this.#detail === undefined ? {} : { detail: this.#detail }),
    }
  }

  /** A source that is new begins now: what it misses from here on is made up for even if it has never fired before. */
  async #lastTick(): Promise<number> {
    const { store } = this.#options
    const kept = await store.scheduleTick(this.name)
    if (kept !== undefined) return kept
    const nowMs = this.#time.nowMs()
    await store.putScheduleTick(this.name, nowMs)
    return nowMs
  }

  async #run(fromMs: number, signal: AbortSignal): Promise<void> {
    let lastMs = fromMs
    while (!signal.aborted) {
      const nowMs = this.#time.nowMs()
      const { ticks, nextMs } = decideDueTicks(this.#schedule, lastMs, nowMs, this.#options.config.missed)
      if (ticks.length === 0) {
        this.#tellWait(lastMs, nowMs, nextMs)
        await this.#time.wait(Math.min((nextMs ?? Infinity) - nowMs, longestWaitMs), signal)
        continue
      }
      for (let first = 0; first < ticks.length && !signal.aborted; first += maxBatchTicks) {
        const batch = ticks.slice(first, first + maxBatchTicks)
        const acceptances = await this.#untilDone(() => this.#append(batch), signal)
        if (acceptances === undefined) return
        const duplicates = acceptances.filter(({ duplicate }) => duplicate).length
        this.#duplicates += duplicates
        this.#accepted += batch.length - duplicates
        const batchEndMs = batch.at(-1) as number
        lastMs = batchEndMs
        await this.#untilDone(() => this.#options.store.putScheduleTick(this.name, batchEndMs), signal)
      }
    }
  }

  async #append(ticks: readonly number[]): Promise<readonly Acceptance[]> {
    const nowMs = this.#time.nowMs()
    const spans: ReceiveSpan[] = []
    try {
      const events = ticks.map(tickMs => this.#traced(this.#eventOf(tickMs, nowMs), spans))
      const acceptances = await this.#options.intake.accept(events)
      for (const span of spans) span.end('accepted')
      return acceptances
    } catch (thrown) {
      for (const span of spans) span.end('failed')
      const reason = SluiceError.from(thrown).code === 'SLUICE_LOG_FULL' ? 'full' : 'unavailable'
      this.#refused[reason] = (this.#refused[reason] ?? 0) + ticks.length
      throw thrown
    }
  }

  /** Nobody has sent a tick: its trace begins here. */
  #traced({ header, value }: IncomingEvent, spans: ReceiveSpan[]): IncomingEvent {
    const { tracer, config } = this.#options
    const facts = { system: 'schedule', destination: config.cron, source: this.name, bodyBytes: value.length } as const
    const span = tracer?.receive(undefined, facts)
    if (span === undefined) return { header, value }
    spans.push(span)
    return { header: { ...header, traceparent: span.traceparent }, value }
  }

  /** Tries until it succeeds; undefined when the source is stopped before. */
  async #untilDone<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    let retryMs = firstRetryMs
    for (;;) {
      try {
        const result = await attempt()
        this.#setState('running')
        return result
      } catch (thrown) {
        this.#setState('impaired', messageOf(thrown))
      }
      await this.#time.wait(retryMs, signal)
      if (signal.aborted) return undefined
      retryMs = Math.min(retryMs * 2, lastRetryMs)
    }
  }

  #tellWait(lastMs: number, nowMs: number, nextMs: number | undefined): void {
    const next = nextMs === undefined ? 'no further tick' : `next tick ${tickTime(nextMs)}`
    // A second or two are every clock's corrections.
    if (lastMs - nowMs <= longestWaitMs) this.#setState('running', next)
    else this.#setState('impaired', `the clock went back: ticks until ${tickTime(lastMs)} are done; ${next}`)
  }

  #setState(state: SourceState, detail?: string): void {
    this.#state = state
    this.#detail = detail
  }
}
