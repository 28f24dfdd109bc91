import kafkajs from 'kafkajs'
import { afterEach, expect, it } from 'vitest'
import { describeWith } from '../../../support/real-parts.ts'
import { cleanUp, GroupMember, newGroup, newTopic, openClient, produceTexts, sharedBrokers } from '../kafka-group.ts'

const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`)
const sessionTimeoutMs = 6_000

describeWith(['kafka'], 'a paused partition', () => {
  afterEach(cleanUp)

  it('stays paused when it goes to another member and comes back, and goes on when it is resumed', async () => {
    const [client, other] = [await openClient(), await openClient()]
    const topic = await newTopic(client, 2)
    const options = { group: newGroup(), topic, start: 'earliest' as const, sessionTimeoutMs }
    const a = await GroupMember.join(client, options)
    await a.owns(2)
    a.subscription.pause([0, 1])
    const b = await GroupMember.join(other, options)
    await Promise.all([a.owns(1), b.owns(1)])
    const [moved] = [...b.owned.keys()]
    await b.subscription.close()
    await a.owns(2)
    for (const partition of [0, 1]) await produceTexts(client, topic, partition, numbered(`p${partition}-`, 3))
    a.subscription.resume([moved!])
    await a.received(3)
    expect(a.texts).toEqual(numbered(`p${moved}-`, 3))
    a.subscription.resume([0, 1])
    await a.received(6)
    expect(a.texts.slice(3)).toEqual(numbered(`p${1 - moved!}-`, 3))
    expect(a.subscription.rebalances()).toBe(2)
  })

  it('stays paused when its consumer crashes, which is replaced', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 2)
    const options = { group: newGroup(), topic, start: 'earliest' as const, sessionTimeoutMs }
    const member = await GroupMember.join(client, options)
    await member.owns(2)
    const epoch = member.owned.get(0)!
    member.subscription.pause([0])
    await crash(options.group, member)
    await member.until(() => member.revoked.length > 0)
    await member.owns(2)
    expect(member.owned.get(0)).toBeGreaterThan(epoch)
    for (const partition of [0, 1]) await produceTexts(client, topic, partition, numbered(`p${partition}-`, 3))
    await member.received(3)
    expect(member.texts).toEqual(numbered('p1-', 3))
    member.subscription.resume([0])
    await member.received(6)
  })
})

describeWith(['kafka'], 'a member', () => {
  afterEach(cleanUp)

  it('repeats and loses nothing of the partitions it keeps when others come and go', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 2)
    const options = { group: newGroup(), topic, start: 'earliest' as const, sessionTimeoutMs }
    const a = await GroupMember.join(client, options)
    await a.owns(2)
    const other = await openClient()
    await produceTexts(client, topic, 0, numbered('a', 20))
    await produceTexts(client, topic, 1, numbered('b', 20))
    await a.received(40)
    const b = await GroupMember.join(other, options)
    await Promise.all([a.owns(1), b.owns(1)])
    const [kept] = [...a.owned.keys()]
    const before = a.texts.length
    await produceTexts(client, topic, kept!, ['after'])
    await a.received(before + 1)
    // Nothing was committed: kafkajs alone would read all of it again.
    expect(a.texts.slice(before)).toEqual(['after'])
  })

  it('that is thrown out of its group starts over from what is committed', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 1)
    const options = { group: newGroup(), topic, start: 'earliest' as const, sessionTimeoutMs }
    const member = await GroupMember.join(client, options)
    await produceTexts(client, topic, 0, numbered('v', 5))
    await member.received(5)
    await member.commit(0, 2)
    const epoch = member.owned.get(0)!
    await throwOut(options.group)
    await member.received(8)
    expect(member.texts.slice(5)).toEqual(['v2', 'v3', 'v4'])
    expect(member.revoked).toEqual([{ epoch, partitions: [0] }])
    // Work of before can not be committed any more.
    await member.subscription.commit(epoch, new Map([[0, 5]]))
    expect((await client.committed(options.group, topic)).get(0)).toBe(2)
  })

  it('ends with an error when its handler throws, instead of passing over the records', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 1)
    await produceTexts(client, topic, 0, ['v'])
    const group = newGroup()
    const error = await new Promise<{ code: string; retryable: boolean }>((resolve, reject) => {
      client
        .subscribe(
          { group, topic, start: 'earliest' },
          {
            assigned: () => undefined,
            revoked: () => undefined,
            outOfRange: () => undefined,
            records: () => {
              throw new TypeError('a mistake')
            },
            fatal: resolve,
          },
        )
        .catch(reject)
    })
    expect(error).toMatchObject({ code: 'SLUICE_INTERNAL', retryable: false })
    expect((await client.committed(group, topic)).get(0)).toBe(0)
  })
})

/** Removes all members of a group, as an operator can. Their next heartbeat tells them. */
async function throwOut(group: string): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: await sharedBrokers(), logLevel: kafkajs.logLevel.NOTHING })
  let cluster: unknown
  const consumer = kafka.consumer({
    groupId: group,
    partitionAssigners: [
      config => {
        cluster = config.cluster
        return kafkajs.PartitionAssigners.roundRobin(config)
      },
    ],
  })
  const admin = kafka.admin()
  await Promise.all([admin.connect(), consumer.connect()])
  try {
    const { groups } = await admin.describeGroups([group])
    const { findGroupCoordinator } = cluster as {
      findGroupCoordinator(of: { groupId: string }): Promise<{ leaveGroup(of: object): Promise<void> }>
    }
    const coordinator = await findGroupCoordinator.call(cluster, { groupId: group })
    for (const { memberId } of groups[0]!.members) await coordinator.leaveGroup({ groupId: group, memberId })
  } finally {
    await Promise.all([admin.disconnect(), consumer.disconnect()])
  }
}

/** Makes the next fetch of a member fail with an error that kafkajs does not recover from. */
async function crash(group: string, member: GroupMember): Promise<void> {
  const { ConsumerGroup } = await import('../../../../src/log/kafka/kafkajs/kafkajs-internals.ts')
  const prototype = ConsumerGroup.prototype as unknown as {
    fetch(this: { groupId: string }, nodeId: string): Promise<unknown>
  }
  const { fetch } = prototype
  prototype.fetch = function (nodeId) {
    if (this.groupId !== group) return fetch.call(this, nodeId)
    prototype.fetch = fetch
    return Promise.reject(new TypeError('a mistake of kafkajs'))
  }
  await member.until(() => member.errors.length > 0)
}
