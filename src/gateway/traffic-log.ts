import { attemptFacts, lastAttempt } from '../dispatch/attempt-facts.ts'
import type { Delivery } from '../dispatch/delivery.ts'
import type { DispatchLogger } from '../dispatch/trigger-options.ts'
import type { IncomingEvent, StreamIntake } from '../sources/source.ts'
import { traceFields } from '../telemetry/logger.ts'

/** Lines per second and subject that are written one by one; beyond it a second is summed up in one line. */
const linesPerSecond = 10

interface Second {
  startedMs: number
  lines: number
  summed: number
}

/**
 * Shows what comes in and goes out without drowning the log: single events while there are few, one sum per second and
 * subject when there are many. Counting costs an addition per event.
 */
export class TrafficLog {
  readonly #logger: DispatchLogger
  readonly #seconds = new Map<string, Second>()
  readonly #timer: NodeJS.Timeout

  constructor(logger: DispatchLogger) {
    this.#logger = logger
    this.#timer = setInterval(() => this.#sum(), 1000)
    this.#timer.unref()
  }

  /** The intake of a source that tells what came in. */
  watch(source: string, intake: StreamIntake): StreamIntake {
    return {
      stream: intake.stream,
      accept: async events => {
        const acceptances = await intake.accept(events)
        const nowMs = Date.now()
        for (const [index, { partition, offset, duplicate }] of acceptances.entries()) {
          if (!this.#hasRoom(source, nowMs)) continue
          const { header } = events[index] as IncomingEvent
          const { id, type, partitionkey: key, traceparent } = header
          const place = `${intake.stream}/${partition}@${offset}`
          this.#logger.info(
            { source, id, type, key, duplicate: duplicate || undefined, ...traceFields(traceparent) },
            `in   ${source} → ${place}`,
          )
        }
        return acceptances
      },
    }
  }

  /** An event of a trigger is complete, by success or as a dead letter. */
  done(sinks: readonly string[], delivery: Delivery, isBuried: boolean): void {
    const nowMs = Date.now()
    const { partition, record, results, feed } = delivery
    const { trigger, stream } = feed
    if (!this.#hasRoom(trigger, nowMs)) return
    const result = results === 0 || sinks.length === 0 ? 'no result' : `${results} → ${sinks.join(', ')}`
    const attempt = isBuried ? lastAttempt(delivery) : delivery.attempt
    const facts = { ...attemptFacts(delivery, attempt), attempt, ms: nowMs - record.timestampMs }
    this.#logger.info(
      facts,
      `done ${stream}/${partition}@${record.offset} by ${trigger}: ${isBuried ? 'dead letter' : result}`,
    )
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#sum()
  }

  #hasRoom(subject: string, nowMs: number): boolean {
    let second = this.#seconds.get(subject)
    if (second === undefined) this.#seconds.set(subject, (second = { startedMs: nowMs, lines: 0, summed: 0 }))
    if (nowMs - second.startedMs >= 1000) {
      second.startedMs = nowMs
      second.lines = 0
    }
    if (second.lines++ < linesPerSecond) return true
    second.summed++
    return false
  }

  #sum(): void {
    for (const [subject, second] of this.#seconds) {
      if (second.summed === 0) continue
      this.#logger.info({}, `${subject}: ${second.summed.toLocaleString('en-US')} more in the last second`)
      second.summed = 0
    }
  }
}
