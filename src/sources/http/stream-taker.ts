import type { IncomingEvent, StreamIntake } from '../source.ts'
import { acceptAnswer } from './accept-answer.ts'
import type { EventTaker, HttpAnswer } from './http-source.ts'

const json = { 'content-type': 'application/json' }

/** Keeps the events in a home stream and answers once they are durable. */
export class StreamTaker implements EventTaker {
  readonly #intake: StreamIntake

  constructor(intake: StreamIntake) {
    this.#intake = intake
  }

  async take(events: readonly IncomingEvent[], isBatch: boolean): Promise<HttpAnswer> {
    const acceptances = events.length === 0 ? [] : await this.#intake.accept(events)
    let duplicates = 0
    for (const { duplicate } of acceptances) if (duplicate) duplicates++
    const { status, body } = acceptAnswer(events, acceptances, isBatch)
    return { status, headers: json, body, accepted: acceptances.length - duplicates, duplicates }
  }
}
