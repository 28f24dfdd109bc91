import type { Acceptance, IncomingEvent, StreamIntake } from '../source.ts'
import { acceptAnswer } from './accept-answer.ts'
import type { EventTaker, HttpAnswer } from './http-source.ts'

const json = { 'content-type': 'application/json; charset=utf-8' }

/** Keeps the events in a home stream and answers once they are durable. */
export class StreamTaker implements EventTaker {
  readonly #intake: StreamIntake

  constructor(intake: StreamIntake) {
    this.#intake = intake
  }

  take(events: readonly IncomingEvent[], isBatch: boolean): Promise<HttpAnswer> {
    if (events.length === 0) return Promise.resolve(answerTo(events, [], isBatch))
    return this.#intake.accept(events).then(acceptances => answerTo(events, acceptances, isBatch))
  }
}

function answerTo(events: readonly IncomingEvent[], acceptances: readonly Acceptance[], isBatch: boolean): HttpAnswer {
  let duplicates = 0
  for (const { duplicate } of acceptances) if (duplicate) duplicates++
  const { status, body } = acceptAnswer(events, acceptances, isBatch)
  return { status, headers: json, body, accepted: acceptances.length - duplicates, duplicates }
}
