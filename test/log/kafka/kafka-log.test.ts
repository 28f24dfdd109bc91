import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { openKafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import { createKafkajsClient } from '../../../src/log/kafka/kafkajs/kafkajs-client.ts'
import type { PartitionLog } from '../../../src/log/partition-log.ts'
import type { LogRecord } from '../../../src/log/log-record.ts'
import { partitionLogSuite } from '../../conformance/partition-log.suite.ts'
import { sharedKafka } from '../../support/kafka/shared-kafka.ts'
import { describeWith } from '../../support/real-parts.ts'
import { cleanUp, newGroup, newTopic, openClient } from './kafka-group.ts'

describeWith(['kafka'], 'the Kafka log', () => {
  partitionLogSuite('a home stream on Kafka', {
    async open({ partitionCount }) {
      const topic = `home-${randomUUID()}`
      const client = createKafkajsClient({ brokers: (await sharedKafka()).brokers.split(',') })
      await client.ensureTopic({ topic, partitions: partitionCount, replicationFactor: 1 })
      const openLog = (): Promise<PartitionLog> =>
        openKafkaLog({ client, stream: 's', topic, form: 'home', groupPrefix: `${topic}-` })
      let log = await openLog()
      return {
        log,
        async reopen() {
          await log.close()
          log = await openLog()
          return log
        },
        async close() {
          await log.close()
          await client.close()
        },
      }
    },
  })

  describe('a topic that is read in place', () => {
    afterEach(cleanUp)

    it('gives keys, values and headers as they are, and is not written', async () => {
      const client = await openClient()
      const topic = await newTopic(client, 1)
      const headers = [['traceparent', Buffer.from('00-1-2-01')]] as const
      await client.produce(topic, 0, [
        { key: Buffer.from('k'), value: null, headers },
        { key: null, value: Buffer.from('v'), headers: [] },
      ])
      const log = await openKafkaLog({ client, stream: 's', topic, form: 'in-place' })
      const expected = [
        { offset: 0, key: Buffer.from('k'), value: null, header: null, headers },
        { offset: 1, key: null, value: Buffer.from('v'), header: null, headers: [] },
      ]
      expect(await log.browse(0, 0, 10)).toMatchObject(expected)
      const records = await new Promise<readonly LogRecord[]>((resolve, reject) => {
        log
          .subscribe(newGroup(), 'earliest', {
            assigned: () => undefined,
            revoked: () => undefined,
            anomaly: () => undefined,
            records: (_epoch, _partition, batch) => resolve(batch),
            fatal: reject,
          })
          .catch(reject)
      })
      expect(records).toMatchObject(expected)
      const appending = log.append(0, [{ key: null, header: Buffer.from('h'), value: Buffer.from('v') }])
      await expect(appending).rejects.toMatchObject({ code: 'SLUICE_INTERNAL' })
      await log.close()
    })

    it('must exist', async () => {
      const client = await openClient()
      const opening = openKafkaLog({ client, stream: 's', topic: 'no-such-topic', form: 'in-place' })
      await expect(opening).rejects.toMatchObject({ code: 'SLUICE_KAFKA_TOPIC', retryable: true })
    })
  })
})
