import { createServer } from 'node:net'
import kafkajs from 'kafkajs'
import { afterEach, expect, it } from 'vitest'
import type { OutgoingRecord } from '../../../../src/log/kafka/kafka-client.ts'
import { describeWith } from '../../../support/real-parts.ts'
import { cleanUp, GroupMember, newGroup, newTopic, openClient, produceTexts, sharedBrokers } from '../kafka-group.ts'

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `v${i}`)

describeWith(['kafka'], 'the kafkajs client', () => {
  afterEach(cleanUp)

  it('gives records back as they were: keys, tombstones, headers that repeat or mean something to JavaScript', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 1)
    const headers: OutgoingRecord['headers'] = [
      ['a', Buffer.from('1')],
      ['a', Buffer.from('2')],
      ['constructor', Buffer.from('c')],
      ['__proto__', Buffer.from('p')],
      ['empty', Buffer.alloc(0)],
      ['bytes', Buffer.from([0, 255, 128])],
    ]
    const records: OutgoingRecord[] = [
      { key: Buffer.from('k'), value: Buffer.from('v'), headers, timestampMs: 1_700_000_000_123 },
      { key: Buffer.from('k'), value: null, headers: [] },
      { key: null, value: Buffer.alloc(0), headers: [] },
      { key: Buffer.alloc(0), value: Buffer.from('empty key'), headers: [] },
    ]
    expect(await client.produce(topic, 0, records)).toBe(0)
    const read = await client.fetch(topic, 0, 0, 10)
    expect(read.map(({ key, value }) => ({ key, value }))).toEqual(records.map(({ key, value }) => ({ key, value })))
    expect(read.map(record => record.offset)).toEqual([0, 1, 2, 3])
    expect(read[0]!.timestampMs).toBe(1_700_000_000_123)
    expect(read[0]!.headers).toEqual(headers)
    expect(read[1]!.headers).toEqual([])
  })

  it('leaves out headers without a value, of which kafkajs dies', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 1)
    const headers = [
      ['null', null],
      ['undefined', undefined],
      ['good', Buffer.from('g')],
    ] as unknown as OutgoingRecord['headers']
    await client.produce(topic, 0, [{ key: null, value: Buffer.from('v'), headers }])
    expect((await client.fetch(topic, 0, 0, 1))[0]!.headers).toEqual([['good', Buffer.from('g')]])
    const producer = new kafkajs.Kafka({ brokers: await sharedBrokers(), logLevel: kafkajs.logLevel.NOTHING }).producer(
      {
        createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
        retry: { retries: 0 },
      },
    )
    await producer.connect()
    const naive = producer.send({ topic, messages: [{ value: 'v', headers: { undefined: undefined } }] })
    await expect(naive).rejects.toThrow(TypeError)
    await producer.disconnect()
  })

  it.each(['none', 'gzip', 'zstd'] as const)('writes and reads batches with compression %s', async compression => {
    const client = await openClient({ compression })
    const topic = await newTopic(client, 1)
    await produceTexts(client, topic, 0, numbered(1_000))
    const member = await GroupMember.join(client, { group: newGroup(), topic, start: 'earliest' })
    await member.received(1_000)
    expect(member.texts).toEqual(numbered(1_000))
  })

  it('stops with an error that names the codec it lacks, instead of crashing again and again', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 1)
    await produceWithSnappy(topic, 'compressed by somebody else')
    const member = await GroupMember.join(client, { group: newGroup(), topic, start: 'earliest' })
    await member.until(() => member.errors.length > 0)
    expect(member.errors[0]).toMatchObject({
      code: 'SLUICE_KAFKA_CODEC',
      retryable: false,
      details: { codec: 'snappy' },
    })
    expect(member.errors[0]!.message).toContain(topic)
  })

  it('reads a range across several fetches and stops at its limit or at the end', async () => {
    const client = await openClient({ maxPartitionFetchBytes: 4_096, maxRequestRecords: 50 })
    const topic = await newTopic(client, 2)
    await produceTexts(client, topic, 1, numbered(1_000))
    const textsOf = async (from: number, limit: number): Promise<string[]> =>
      (await client.fetch(topic, 1, from, limit)).map(record => record.value!.toString())
    expect(await textsOf(0, 1_000)).toEqual(numbered(1_000))
    expect(await textsOf(75, 3)).toEqual(['v75', 'v76', 'v77'])
    expect(await textsOf(998, 10)).toEqual(['v998', 'v999'])
    expect(await textsOf(5_000, 10)).toEqual([])
    expect(await client.fetch(topic, 0, 0, 10)).toEqual([])
  })

  it('knows a topic that is not there, and makes one only once', async () => {
    const client = await openClient()
    expect(await client.partitionCount('no-such-topic')).toBeUndefined()
    await expect(client.ends('no-such-topic')).rejects.toMatchObject({ code: 'SLUICE_KAFKA_TOPIC' })
    const topic = await newTopic(client, 3)
    await client.ensureTopic({ topic, partitions: 5, replicationFactor: 1 })
    expect(await client.partitionCount(topic)).toBe(3)
  })

  it('fails a record that the broker finds too large, and only that one', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 1)
    const results = await Promise.allSettled([
      produceTexts(client, topic, 0, ['a']),
      client.produce(topic, 0, [{ key: null, value: Buffer.alloc(2_000_000), headers: [] }]),
      produceTexts(client, topic, 0, ['b']),
    ])
    expect(results).toMatchObject([{ value: 0 }, { reason: { code: 'SLUICE_KAFKA_RECORD_TOO_LARGE' } }, { value: 1 }])
  })

  it('refuses to queue more than it may, and takes more when that is written', async () => {
    const client = await openClient({ maxQueuedBytes: 1_000 })
    const topic = await newTopic(client, 1)
    const large = 'x'.repeat(900)
    const first = produceTexts(client, topic, 0, [large])
    await expect(produceTexts(client, topic, 0, [large])).rejects.toMatchObject({ code: 'SLUICE_KAFKA_QUEUE_FULL' })
    await first
    expect(await produceTexts(client, topic, 0, [large])).toBe(1)
  })

  it('rejects what is asked of it after it was closed', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 1)
    await client.close()
    await client.close()
    await expect(produceTexts(client, topic, 0, ['v'])).rejects.toMatchObject({ code: 'SLUICE_KAFKA_CLOSED' })
    await expect(client.ends(topic)).rejects.toMatchObject({ code: 'SLUICE_KAFKA_CLOSED' })
    await expect(GroupMember.join(client, { group: newGroup(), topic, start: 'earliest' })).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_CLOSED',
    })
  })

  it('skips nothing of a topic with transactions but what was aborted, and moves over their markers', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 1)
    const kafka = new kafkajs.Kafka({ brokers: await sharedBrokers(), logLevel: kafkajs.logLevel.NOTHING })
    const producer = kafka.producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      transactionalId: topic,
      idempotent: true,
      maxInFlightRequests: 1,
    })
    await producer.connect()
    const member = await GroupMember.join(client, { group: newGroup(), topic, start: 'earliest' })
    for (const [text, ends] of [
      ['a', 'commit'],
      ['b', 'abort'],
      ['c', 'abort'],
      ['d', 'commit'],
    ] as const) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ value: text }] })
      await transaction[ends]()
    }
    await producer.disconnect()
    await produceTexts(client, topic, 0, ['e'])
    await member.received(3)
    expect(member.texts).toEqual(['a', 'd', 'e'])
    expect(member.anomalies).toEqual([])
  })
})

describeWith(['kafka'], 'a Kafka that can not be reached', () => {
  afterEach(cleanUp)

  it('is told once, does not end the process, and is found when it is there', async () => {
    // A port that nobody listens on.
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    await new Promise(resolve => server.close(resolve))
    const client = await openClient({ brokers: [`127.0.0.1:${port}`], produceTimeoutMs: 200 })
    const member = await GroupMember.join(client, { group: newGroup(), topic: 'any', start: 'earliest' })
    await expect(client.connect()).rejects.toMatchObject({ code: 'SLUICE_KAFKA_UNREACHABLE', retryable: true })
    await expect(client.ends('any')).rejects.toMatchObject({ code: 'SLUICE_KAFKA_UNREACHABLE' })
    await expect(produceTexts(client, 'any', 0, ['v'])).rejects.toMatchObject({ code: 'SLUICE_KAFKA_PRODUCE' })
    await member.until(() => member.errors.length > 0)
    expect(member.errors[0]).toMatchObject({ code: 'SLUICE_KAFKA_UNREACHABLE', retryable: true })
    expect(client.health()).toMatchObject({ connected: false, lastError: expect.stringContaining('ECONNREFUSED') })
  })

  it('is a topic that comes later, too', async () => {
    const client = await openClient()
    const topic = `later-${newGroup()}`
    const member = await GroupMember.join(client, { group: newGroup(), topic, start: 'earliest' })
    await member.until(() => member.errors.length > 0)
    expect(member.errors[0]).toMatchObject({ code: 'SLUICE_KAFKA_TOPIC', retryable: true })
    await client.ensureTopic({ topic, partitions: 1, replicationFactor: 1 })
    await produceTexts(client, topic, 0, ['v'])
    await member.received(1)
    expect(member.errors).toHaveLength(1)
  })
})

/** Snappy, as short as the format allows: everything is one literal. */
async function produceWithSnappy(topic: string, text: string): Promise<void> {
  const { Snappy } = kafkajs.CompressionTypes
  const own = kafkajs.CompressionCodecs[Snappy]!
  kafkajs.CompressionCodecs[Snappy] = () => ({
    compress: ({ buffer }: { buffer: Buffer }) => {
      const length = buffer.length
      const preamble = [length & 127, ...[], length >> 7]
      const size = length < 128 ? [length] : [preamble[0]! | 128, preamble[1]!]
      // Tag 61: a literal whose length less one follows in two bytes.
      return Promise.resolve(
        Buffer.concat([Buffer.from([...size, 61 << 2, (length - 1) & 255, (length - 1) >> 8]), buffer]),
      )
    },
    decompress: () => Promise.reject(new Error('not used')),
  })
  try {
    const producer = new kafkajs.Kafka({ brokers: await sharedBrokers(), logLevel: kafkajs.logLevel.NOTHING }).producer(
      {
        createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      },
    )
    await producer.connect()
    await producer.send({ topic, compression: Snappy, messages: [{ value: text }] })
    await producer.disconnect()
  } finally {
    kafkajs.CompressionCodecs[Snappy] = own
  }
}
