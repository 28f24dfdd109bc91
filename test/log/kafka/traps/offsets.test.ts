import { setTimeout as delay } from 'node:timers/promises'
import kafkajs, { type Consumer, type Kafka } from 'kafkajs'
import { afterEach, expect, it, vi } from 'vitest'
import { describeWith } from '../../../support/real-parts.ts'
import {
  atCleanup,
  cleanUp,
  GroupMember,
  newGroup,
  newTopic,
  openClient,
  produceTexts,
  sharedBrokers,
} from '../kafka-group.ts'

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `v${i}`)
const sessionTimeoutMs = 6_000

async function rawKafka(): Promise<Kafka> {
  return new kafkajs.Kafka({ brokers: await sharedBrokers(), logLevel: kafkajs.logLevel.NOTHING })
}

function rawConsumer(kafka: Kafka, groupId: string): Consumer {
  const consumer = kafka.consumer({
    groupId,
    maxWaitTimeInMs: 100,
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: 100,
  })
  atCleanup(() => consumer.disconnect())
  return consumer
}

/** Awaits the next join that gives a number of partitions. */
function joinsOf(consumer: Consumer, topic: string): { withPartitions(count: number): Promise<readonly number[]> } {
  const joins: (readonly number[])[] = []
  let wake = (): void => undefined
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    joins.push(payload.memberAssignment[topic] ?? [])
    wake()
  })
  return {
    async withPartitions(count) {
      for (;;) {
        while (joins.length === 0) await new Promise<void>(resolve => (wake = resolve))
        const partitions = joins.shift()!
        if (partitions.length === count) return partitions
      }
    },
  }
}

describeWith(['kafka'], 'a commit of a member that has lost the partition', () => {
  afterEach(cleanUp)

  it('rewinds the offset of the new owner with kafkajs', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 2)
    const group = newGroup()
    const kafka = await rawKafka()
    const run = { autoCommit: false, eachBatch: () => Promise.resolve() }
    const [a, b] = [rawConsumer(kafka, group), rawConsumer(kafka, group)]
    const [joinsOfA, joinsOfB] = [joinsOf(a, topic), joinsOf(b, topic)]
    await a.connect()
    await a.subscribe({ topic })
    await a.run(run)
    await joinsOfA.withPartitions(2)
    await b.connect()
    await b.subscribe({ topic })
    await b.run(run)
    const [lost] = await joinsOfB.withPartitions(1)
    await joinsOfA.withPartitions(1)
    // Another rebalance may refuse a commit; the next try is as good.
    await vi.waitFor(
      async () => {
        await b.commitOffsets([{ topic, partition: lost!, offset: '50' }])
        await a.commitOffsets([{ topic, partition: lost!, offset: '7' }])
        expect((await client.committed(group, topic)).get(lost!)).toBe(7)
      },
      { timeout: 20_000 },
    )
  })

  it('changes nothing with ours', async () => {
    const [client, other] = [await openClient(), await openClient()]
    const topic = await newTopic(client, 2)
    for (const partition of [0, 1]) await produceTexts(client, topic, partition, numbered(60))
    const options = { group: newGroup(), topic, start: 'earliest' as const, sessionTimeoutMs }
    const a = await GroupMember.join(client, options)
    await a.owns(2)
    const epoch = a.owned.get(0)!
    const b = await GroupMember.join(other, options)
    await b.owns(1)
    await a.owns(1)
    const [lost] = [...b.owned.keys()]
    await b.commit(lost!, 50)
    await a.subscription.commit(epoch, new Map([[lost!, 7]]))
    await a.subscription.commit(b.owned.get(lost!)!, new Map([[lost!, 8]]))
    expect((await client.committed(options.group, topic)).get(lost!)).toBe(50)
    expect(a.revoked).toEqual([{ epoch, partitions: [lost] }])
    // What stayed is still committed in the epoch it was gained in.
    const [kept] = [...a.owned.keys()]
    expect(a.owned.get(kept!)).toBe(epoch)
    await a.commit(kept!, 40)
    expect((await client.committed(options.group, topic)).get(kept!)).toBe(40)
  })
})

describeWith(['kafka'], 'records that were read but not finished', () => {
  afterEach(cleanUp)

  it('are committed by kafkajs when a later one is resolved', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 1)
    await produceTexts(client, topic, 0, numbered(10))
    const group = newGroup()
    const consumer = rawConsumer(await rawKafka(), group)
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      consumer
        .run({
          eachBatchAutoResolve: false,
          eachBatch: async ({ resolveOffset, commitOffsetsIfNecessary, uncommittedOffsets }) => {
            // Record 3 still runs; 9 is done.
            resolveOffset('9')
            await commitOffsetsIfNecessary(uncommittedOffsets())
            resolve()
          },
        })
        .catch(reject)
    })
    expect((await client.committed(group, topic)).get(0)).toBe(10)
  })

  it('come again with ours until they are committed', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 1)
    await produceTexts(client, topic, 0, numbered(10))
    const options = { group: newGroup(), topic, start: 'earliest' as const }
    const first = await GroupMember.join(client, options)
    await first.received(10)
    await first.commit(0, 3)
    expect((await client.committed(options.group, topic)).get(0)).toBe(3)
    await first.subscription.close()
    const again = await GroupMember.join(client, options)
    await again.received(7)
    expect(again.texts).toEqual(numbered(10).slice(3))
  })
})

describeWith(['kafka'], 'a position that is not in the log any more', () => {
  afterEach(cleanUp)

  async function expire(topic: string, offset: number): Promise<void> {
    const admin = (await rawKafka()).admin()
    await admin.connect()
    try {
      // It asks for leaders that only another question makes known.
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] })
    } finally {
      await admin.disconnect()
    }
  }

  async function recreate(topic: string): Promise<void> {
    const admin = (await rawKafka()).admin()
    await admin.connect()
    try {
      await admin.deleteTopics({ topics: [topic] })
      while ((await admin.listTopics()).includes(topic)) await delay(20)
      // Deletion goes on for a moment after the name has left the list.
      for (;;) {
        try {
          if (
            await admin.createTopics({
              topics: [{ topic, numPartitions: 1, replicationFactor: 1 }],
              waitForLeaders: true,
            })
          )
            return
        } catch {
          await delay(50)
        }
      }
    } finally {
      await admin.disconnect()
    }
  }

  it('is where kafkajs leaves records out without a word', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 1)
    await produceTexts(client, topic, 0, numbered(10))
    const group = newGroup()
    const admin = (await rawKafka()).admin()
    await admin.connect()
    await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '2' }] })
    await admin.disconnect()
    await expire(topic, 5)
    const consumer = rawConsumer(await rawKafka(), group)
    const seen: string[] = []
    let wake = (): void => undefined
    await consumer.connect()
    await consumer.subscribe({ topic })
    await consumer.run({
      autoCommit: false,
      eachMessage: ({ message }) => {
        seen.push(message.value!.toString())
        wake()
        return Promise.resolve()
      },
    })
    for (let i = 0; seen.length === 0; i++) {
      await produceTexts(client, topic, 0, [`new${i}`])
      await Promise.race([delay(100), new Promise<void>(resolve => (wake = resolve))])
    }
    expect(seen[0]).toMatch(/^new/)
  })

  it('is told and read from the earliest record with ours, after retention passed it while we were away', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 1)
    await produceTexts(client, topic, 0, numbered(10))
    const options = { group: newGroup(), topic, start: 'latest' as const }
    const first = await GroupMember.join(client, { ...options, start: { offset: 0 } })
    await first.received(10)
    await first.commit(0, 2)
    await first.subscription.close()
    await expire(topic, 5)
    const again = await GroupMember.join(client, options)
    await again.received(5)
    expect(again.texts).toEqual(numbered(10).slice(5))
    expect(again.anomalies).toEqual([{ partition: 0, kind: 'expired', from: 2, to: 5 }])
    expect((await client.committed(options.group, topic)).get(0)).toBe(5)
  })

  it('is told and read from the earliest record with ours, after retention passed it while the partition was paused', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 1)
    await produceTexts(client, topic, 0, numbered(3))
    const member = await GroupMember.join(client, { group: newGroup(), topic, start: 'earliest' })
    await member.received(3)
    member.subscription.pause([0])
    await produceTexts(client, topic, 0, numbered(10))
    await expire(topic, 8)
    member.subscription.resume([0])
    await member.received(3 + 5)
    expect(member.texts.slice(3)).toEqual(numbered(10).slice(5))
    expect(member.anomalies).toEqual([{ partition: 0, kind: 'expired', from: 3, to: 8 }])
    expect(member.revoked).toEqual([])
  })

  it('is told and read from the earliest record with ours, after the topic was deleted and made anew', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 1)
    await produceTexts(client, topic, 0, numbered(10))
    const member = await GroupMember.join(client, { group: newGroup(), topic, start: 'latest' })
    await member.owns(1)
    await produceTexts(client, topic, 0, ['last'])
    await member.received(1)
    await member.commit(0, 11)
    await recreate(topic)
    await produceTexts(client, topic, 0, ['first of the new topic'])
    await member.received(2)
    expect(member.texts).toEqual(['last', 'first of the new topic'])
    expect(member.anomalies).toEqual([{ partition: 0, kind: 'truncated', from: 11, to: 0 }])
    expect(member.owned.size).toBe(1)
  })
})
