import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { createKafkajsClient } from '../../../../src/log/kafka/kafkajs/kafkajs-client.ts'
import { sharedKafka } from '../../../support/kafka/shared-kafka.ts'
import { describeWith } from '../../../support/real-parts.ts'

describeWith(['kafka'], 'creating topics', () => {
  it('waits until the brokers tell of the topic, where kafkajs fails with "does not host this topic-partition"', async () => {
    const brokers = (await sharedKafka()).brokers.split(',')
    // Many at once: the slower the controller, the sooner kafkajs asks for what is not known yet.
    const counts = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = createKafkajsClient({ brokers })
        try {
          const topic = `created-${randomUUID()}`
          await client.ensureTopic({ topic, partitions: 6, replicationFactor: 1 })
          return await client.partitionCount(topic)
        } finally {
          await client.close()
        }
      }),
    )
    expect(counts).toEqual(Array(8).fill(6))
  })
})
