import { encodeEventHeader } from '../events/event-header-codec.ts'
import type { EventHeader } from '../events/event-header.ts'
import type { DiskReserve } from '../log/embedded/disk-reserve.ts'
import type { DeadLetterPublication } from '../sources/mqtt/publication.ts'
import type { HomeStore } from '../store/home-store.ts'

export interface SourceDeadLetters {
  readonly store: HomeStore
  readonly reserve: Pick<DiskReserve, 'refusalOf'>
  readonly now: () => number
}

let sequence = 0

/**
 * Keeps a publication that could not become an event, as a dead letter of its source. It never had a place in a stream,
 * so partition and offset only keep letters apart: time and a counter. It is something new, and must not use up what
 * completions need: on a disk that is full it is refused as an event would be.
 */
export function keepPublication({ store, reserve, now }: SourceDeadLetters, source: string): DeadLetterPublication {
  return async (problem, { topic, payload, qos, retain, clientId }) => {
    const refusal = reserve.refusalOf(`source ${source}`)
    if (refusal !== undefined) throw refusal
    const nowMs = now()
    sequence = (sequence + 1) % 1000
    const id = `${nowMs}-${sequence}`
    const header: EventHeader = {
      id,
      source: `/sources/${source}`,
      type: 'sluice.mqtt.message',
      acceptedAtMs: nowMs,
      hops: 0,
      protocol: { kind: 'mqtt', topic, qos, retain, ...(clientId === undefined ? {} : { clientId }) },
    }
    await store.putDeadLetter({
      trigger: `source:${source}`,
      stream: '',
      partition: 0,
      offset: nowMs * 1000 + sequence,
      eventId: id,
      key: '',
      header: encodeEventHeader(header),
      value: payload,
      stage: 'source',
      function: '',
      reason: problem.reason,
      message: problem.message,
      failures: '[]',
      results: '',
      firstSeenAtMs: nowMs,
      lastAttemptAtMs: nowMs,
    })
  }
}
