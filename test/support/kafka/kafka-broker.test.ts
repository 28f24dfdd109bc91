import { type Admin, Kafka, logLevel, type Producer, type RetryOptions } from 'kafkajs'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { describeWith } from '../real-parts.ts'
import { type KafkaHarness, startKafka, type StartKafkaOptions } from './kafka-broker.ts'

const needsLocalBroker = process.env['KAFKA_BROKERS'] ? describe.skip : describe

describeWith(['kafka'], 'a Kafka for tests', () => {
  needsLocalBroker('from its jars', () => {
    let kafka: KafkaHarness | undefined
    const open: (Admin | Producer)[] = []

    afterEach(async () => {
      await Promise.all(open.splice(0).map(client => client.disconnect()))
      await kafka?.stop()
      kafka = undefined
    })

    async function start(options?: StartKafkaOptions): Promise<KafkaHarness> {
      kafka = await startKafka(options)
      return kafka
    }

    function client(retry: RetryOptions = { retries: 20 }): Kafka {
      return new Kafka({ brokers: kafka!.brokers.split(','), logLevel: logLevel.NOTHING, retry })
    }

    async function admin(): Promise<Admin> {
      const connected = client().admin()
      await connected.connect()
      open.push(connected)
      return connected
    }

    async function produce(topic: string, values: readonly string[]): Promise<void> {
      const producer = client().producer()
      open.push(producer)
      await producer.connect()
      await producer.send({ topic, acks: -1, messages: values.map(value => ({ value })) })
    }

    async function highWatermark(topic: string): Promise<string> {
      return (await (await admin()).fetchTopicOffsets(topic))[0]!.high
    }

    it('has no topics and makes none by itself', async () => {
      await start()
      const producer = client({ retries: 1 }).producer({ allowAutoTopicCreation: true })
      open.push(producer)
      await producer.connect()
      const sending = producer.send({ topic: 'nobody-made-it', messages: [{ value: 'a' }] })
      await expect(sending).rejects.toThrow('does not host this topic-partition')
      expect(await (await admin()).listTopics()).toEqual([])
    })

    it('keeps its records when it is killed and started again', async () => {
      await start()
      await (await admin()).createTopics({ topics: [{ topic: 'kept' }] })
      await produce('kept', ['a', 'b', 'c'])
      const before = kafka!.pid(0)

      await kafka!.kill(0)
      expect(kafka!.pid(0)).toBeUndefined()
      await kafka!.restart(0)

      expect(kafka!.pid(0)).not.toBe(before)
      expect(await highWatermark('kept')).toBe('3')
    })

    it('lets a consumer group join at once and remembers its offsets', async () => {
      await start()
      await (await admin()).createTopics({ topics: [{ topic: 'read' }] })
      await produce('read', ['a', 'b'])
      const consumer = client().consumer({ groupId: 'readers', sessionTimeout: 1000, heartbeatInterval: 300 })
      await consumer.connect()
      try {
        await consumer.subscribe({ topic: 'read', fromBeginning: true })
        await new Promise<void>((resolve, reject) => {
          const eachMessage = async ({ message }: { message: { offset: string } }): Promise<void> => {
            if (message.offset === '1') resolve()
          }
          consumer.run({ eachMessage }).catch(reject)
        })
        await consumer.stop()
        const [committed] = await (await admin()).fetchOffsets({ groupId: 'readers', topics: ['read'] })
        expect(committed!.partitions[0]!.offset).toBe('2')
      } finally {
        await consumer.disconnect()
      }
    })

    it('keeps its data in a given directory for the next harness', async () => {
      const dir = await mkdtemp(join(tmpdir(), 'sluice-kafka-kept-'))
      try {
        await start({ dir })
        await (await admin()).createTopics({ topics: [{ topic: 'kept' }] })
        await produce('kept', ['a'])
        await Promise.all(open.splice(0).map(each => each.disconnect()))
        await kafka!.stop()
        expect(existsSync(dir)).toBe(true)
        await start({ dir })
        expect(await highWatermark('kept')).toBe('1')
      } finally {
        await kafka?.stop()
        await rm(dir, { recursive: true, force: true })
      }
    })

    it('goes on with two of three brokers and takes the third back', async () => {
      await start({ brokers: 3 })
      const connected = await admin()
      expect((await connected.describeCluster()).brokers).toHaveLength(3)
      await connected.createTopics({ topics: [{ topic: 'replicated', numPartitions: 1 }] })
      await produce('replicated', ['before'])

      await kafka!.kill(2)
      await produce('replicated', ['meanwhile'])
      await kafka!.restart(2)

      await produce('replicated', ['after'])
      expect(await highWatermark('replicated')).toBe('3')
      expect((await connected.describeCluster()).brokers).toHaveLength(3)
    })

    it('refuses a wrong number of ports', async () => {
      await expect(startKafka({ brokers: 3, ports: [1] })).rejects.toThrow('3 brokers need 3 ports, not 1')
    })
  })
})
