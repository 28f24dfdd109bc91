import { setTimeout as delay } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import { connectKafka, createTopic, produceEvents } from '../../e2e/kafka-topics.ts'
import type { TestEvent } from '../../e2e/ledger.ts'
import { sharedKafka } from '../../support/kafka/shared-kafka.ts'
import { partitions, Trial, triggerName, window, type TrialOptions } from './trial.ts'

/** Short, so that a killed member is soon forgotten; the least that a broker allows by default. */
export const sessionTimeoutMs = 6_000
const batchEvents = 40

/** A topic of its own on a real broker. */
export interface TrialTopic {
  readonly kafka: Kafka
  readonly brokers: string
  readonly topic: string
}

export async function createTrialTopic(): Promise<TrialTopic> {
  const { brokers } = await sharedKafka()
  const kafka = connectKafka(brokers)
  return { kafka, brokers, topic: await createTopic(kafka, 'chaos', partitions) }
}

/** A gateway whose trigger reads a topic in place; all gateways of one topic are members of one group. */
export function kafkaTrial({ brokers, topic }: TrialTopic, options: TrialOptions = {}): Promise<Trial> {
  return Trial.start({
    ...options,
    more: () => ({
      kafka: { brokers, groupPrefix: `${topic}-`, sessionTimeoutMs },
      sources: { records: { type: 'kafka', topic, mapping: { type: 'test.event' } } },
      triggers: { [triggerName]: { stream: 'records', function: 'journal', maxInFlight: window } },
    }),
  })
}

/** Produces in order, each batch acknowledged before the next, until the signal. */
export class TrialProducer {
  readonly #topic: TrialTopic
  readonly #trial: Trial
  readonly #keys: number
  #seq = 0

  /** @param trial whose journal of senders is kept. */
  constructor(topic: TrialTopic, trial: Trial, keys: number) {
    this.#topic = topic
    this.#trial = trial
    this.#keys = keys
  }

  /** The next `rounds` events of every key. */
  async produce(rounds: number): Promise<void> {
    const events: TestEvent[] = []
    for (let round = 0; round < rounds; round++, this.#seq++)
      for (let key = 0; key < this.#keys; key++)
        events.push({ id: `k${key}-${this.#seq}`, key: `k${key}`, seq: this.#seq })
    const { kafka, topic } = this.#topic
    await produceEvents(kafka, topic, partitions, events, this.#trial.sent)
  }

  async produceUntil(signal: AbortSignal, eventsPerSecond: number): Promise<void> {
    const rounds = Math.max(1, Math.round(batchEvents / this.#keys))
    const batchMs = (1_000 * rounds * this.#keys) / eventsPerSecond
    while (!signal.aborted) {
      const startedMs = performance.now()
      await this.produce(rounds)
      await delay(Math.max(0, startedMs + batchMs - performance.now()))
    }
  }
}
