import { Value } from 'typebox/value'
import { expect, it } from 'vitest'
import { kafkaSinkSchema, type KafkaSinkConfig } from '../../../src/config/sections/kafka-sink.ts'
import type { KafkaClient } from '../../../src/log/kafka/kafka-client.ts'
import { KafkaSink } from '../../../src/sinks/kafka/sink.ts'

it('asks nothing of Kafka for a result that the role of the function keeps from the sink', async () => {
  const config = Value.Default(kafkaSinkSchema, { type: 'kafka', topic: 'out' }) as KafkaSinkConfig
  const asked: string[] = []
  const client = new Proxy({} as KafkaClient, {
    get(_target, name) {
      asked.push(String(name))
      return () => Promise.reject(new Error('not to be asked'))
    },
  })
  const sink = new KafkaSink('out', config, client)
  const header = { id: 'r', source: '/f', type: 't', acceptedAtMs: 1, hops: 0 }
  const policy = { role: { sinks: ['audit'] }, network: undefined }
  await expect(sink.deliver({ header, value: Buffer.of(1), meta: {}, cause: header, policy })).rejects.toMatchObject({
    code: 'SLUICE_SINKS_FORBIDDEN',
    retryable: false,
  })
  expect(asked).toEqual([])
  expect(sink.health()).toEqual({ ready: true })
})
