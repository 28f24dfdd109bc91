import { randomUUID } from 'node:crypto'
import type { SluiceError } from '../../../src/errors/sluice-error.ts'
import type {
  KafkaClient,
  KafkaRecord,
  KafkaSubscription,
  SubscribeOptions,
} from '../../../src/log/kafka/kafka-client.ts'
import { createKafkajsClient, type KafkajsClientOptions } from '../../../src/log/kafka/kafkajs/kafkajs-client.ts'
import { sharedKafka } from '../../support/kafka/shared-kafka.ts'

const cleanups: (() => Promise<unknown>)[] = []

/** Runs what tests registered, last first; for `afterEach`. */
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
}

export function atCleanup(cleanup: () => Promise<unknown>): void {
  cleanups.push(cleanup)
}

export async function sharedBrokers(): Promise<string[]> {
  return (await sharedKafka()).brokers.split(',')
}

export async function openClient(options: Partial<KafkajsClientOptions> = {}): Promise<KafkaClient> {
  const client = createKafkajsClient({ brokers: options.brokers ?? (await sharedBrokers()), ...options })
  atCleanup(() => client.close())
  return client
}

export async function newTopic(client: KafkaClient, partitions: number, replicationFactor = 1): Promise<string> {
  const topic = `topic-${randomUUID()}`
  await client.ensureTopic({ topic, partitions, replicationFactor })
  return topic
}

export const newGroup = (): string => `group-${randomUUID()}`

export async function produceTexts(
  client: KafkaClient,
  topic: string,
  partition: number,
  texts: readonly string[],
): Promise<number> {
  return client.produce(
    topic,
    partition,
    texts.map(text => ({ key: null, value: Buffer.from(text), headers: [] })),
  )
}

/** A subscriber that keeps what it is told and lets a test await it. */
export class GroupMember {
  readonly texts: string[] = []
  readonly records: KafkaRecord[] = []
  readonly owned = new Map<number, number>()
  readonly revoked: { epoch: number; partitions: readonly number[] }[] = []
  readonly anomalies: { partition: number; kind: string; from: number; to: number }[] = []
  readonly errors: SluiceError[] = []
  subscription!: KafkaSubscription
  #waiters: { ready: () => boolean; resolve: () => void }[] = []

  static async join(client: KafkaClient, options: SubscribeOptions): Promise<GroupMember> {
    const member = new GroupMember()
    member.subscription = await client.subscribe(options, {
      assigned: (epoch, partitions) =>
        member.#note(() => partitions.forEach(({ partition }) => member.owned.set(partition, epoch))),
      revoked: (epoch, partitions) =>
        member.#note(() => {
          member.revoked.push({ epoch, partitions })
          for (const partition of partitions) member.owned.delete(partition)
        }),
      records: (_epoch, _partition, records) =>
        member.#note(() => {
          member.records.push(...records)
          member.texts.push(...records.map(({ value }) => value?.toString() ?? '<tombstone>'))
        }),
      outOfRange: (partition, kind, from, to) =>
        member.#note(() => member.anomalies.push({ partition, kind, from, to })),
      fatal: error => member.#note(() => member.errors.push(error)),
    })
    return member
  }

  until(ready: () => boolean): Promise<void> {
    return ready() ? Promise.resolve() : new Promise(resolve => this.#waiters.push({ ready, resolve }))
  }

  owns(count: number): Promise<void> {
    return this.until(() => this.owned.size === count)
  }

  received(count: number): Promise<void> {
    return this.until(() => this.texts.length >= count)
  }

  commit(partition: number, offset: number): Promise<void> {
    return this.subscription.commit(this.owned.get(partition)!, new Map([[partition, offset]]))
  }

  #note(change: () => void): void {
    change()
    this.#waiters = this.#waiters.filter(({ ready, resolve }) => {
      if (!ready()) return true
      resolve()
      return false
    })
  }
}
