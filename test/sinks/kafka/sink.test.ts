import { Value } from 'typebox/value'
import { expect, it } from 'vitest'
import { kafkaSinkSchema, type KafkaSinkConfig } from '../../../src/config/sections/kafka-sink.ts'
import type { KafkaClient } from '../../../src/log/kafka/kafka-client.ts'
import type { RecordHeaders } from '../../../src/log/log-record.ts'
import { KafkaSink } from '../../../src/sinks/kafka/sink.ts'
import { unrestricted } from '../../../src/sinks/result-policy.ts'

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

it.each(['binary', 'structured'] as const)(
  'sends the trace by the names of Trace Context in %s mode',
  async contentMode => {
    const config = Value.Default(kafkaSinkSchema, { type: 'kafka', topic: 'out', contentMode }) as KafkaSinkConfig
    const sent: RecordHeaders[] = []
    const client = {
      partitionCount: () => Promise.resolve(1),
      produce: (_topic: string, _partition: number, [record]: readonly { headers: RecordHeaders }[]) => {
        if (record !== undefined) sent.push(record.headers)
        return Promise.resolve()
      },
    } as unknown as KafkaClient
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const header = { id: 'r', source: '/f', type: 't', acceptedAtMs: 1, hops: 0, traceparent, tracestate: 'a=1' }
    const sink = new KafkaSink('out', config, client)
    await sink.deliver({ header, value: Buffer.from('1'), meta: {}, cause: header, policy: unrestricted })
    const names = (sent[0] ?? [])
      .filter(([name]) => name.startsWith('trace'))
      .map(([name, value]) => [name, String(value)])
    expect(names).toEqual([
      ['traceparent', traceparent],
      ['tracestate', 'a=1'],
    ])
  },
)
