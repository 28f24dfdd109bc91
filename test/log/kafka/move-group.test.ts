import { afterEach, expect, it } from 'vitest'
import { moveGroup } from '../../../src/log/kafka/move-group.ts'
import { describeWith } from '../../support/real-parts.ts'
import { cleanUp, GroupMember, newGroup, newTopic, openClient, produceTexts } from './kafka-group.ts'

const texts = (count: number): string[] => Array.from({ length: count }, (_, index) => `t${index}`)

describeWith(['kafka'], 'a Kafka group that is moved', () => {
  afterEach(cleanUp)

  it('tells which partitions another member holds: those stay where they are, the others are moved', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 2)
    for (const partition of [0, 1]) await produceTexts(client, topic, partition, texts(10))
    const group = newGroup()
    const other = await GroupMember.join(client, { group, topic, start: 'earliest' })
    await other.owns(2)
    for (const partition of [0, 1]) await other.commit(partition, 5)
    const moves = new Map([
      [0, 8],
      [1, 8],
    ])
    const left = await moveGroup(client, topic, { group, offsets: moves, sessionTimeoutMs: undefined })
    expect(left).toHaveLength(1)
    const committed = await client.committed(group, topic)
    for (const partition of [0, 1]) expect(committed.get(partition)).toBe(left.includes(partition) ? 5 : 8)
    // The other one gets it back, at the new place, and its own commits of before do not count.
    await other.owns(2)
    await other.commit(left[0] === 0 ? 1 : 0, 9)
    expect([...(await client.committed(group, topic)).values()].sort()).toEqual([5, 9])
  })

  it('leaves a partition alone that is not named, without a committed offset too', async () => {
    const client = await openClient()
    const topic = await newTopic(client, 3)
    for (const partition of [0, 1, 2]) await produceTexts(client, topic, partition, texts(4))
    const group = newGroup()
    expect(await moveGroup(client, topic, { group, offsets: new Map([[1, 3]]), sessionTimeoutMs: undefined })).toEqual(
      [],
    )
    expect(await client.committed(group, topic)).toEqual(new Map([[1, 3]]))
  })
})
