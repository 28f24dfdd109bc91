import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { startKafka } from '../../../support/kafka/kafka-broker.ts'
import { describeWith } from '../../../support/real-parts.ts'
import { atCleanup, cleanUp, GroupMember, newGroup, newTopic, openClient, produceTexts } from '../kafka-group.ts'

const PARTITIONS = 6

describeWith(['kafka'], 'three brokers of which one is killed under load', () => {
  afterEach(cleanUp)

  it('have everything that was acknowledged, in order, and a consumer gets all of it', async () => {
    const kafka = await startKafka({ brokers: 3 })
    atCleanup(() => kafka.stop())
    const client = await openClient({ brokers: kafka.brokers.split(','), produceTimeoutMs: 60_000 })
    const topic = await newTopic(client, PARTITIONS, 3)
    const member = await GroupMember.join(client, {
      group: newGroup(),
      topic,
      start: 'earliest',
      sessionTimeoutMs: 6_000,
    })
    await member.owns(PARTITIONS)

    const acknowledged: Map<number, string>[] = Array.from({ length: PARTITIONS }, () => new Map())
    const count = (): number => acknowledged.reduce((sum, { size }) => sum + size, 0)
    let isOver = false
    const producing = acknowledged.map(async (offsets, partition) => {
      const calls: Promise<void>[] = []
      for (let i = 0; !isOver; i++) {
        const text = `${partition}-${i}`
        calls.push(produceTexts(client, topic, partition, [text]).then(offset => void offsets.set(offset, text)))
        await delay(5)
      }
      await Promise.all(calls)
    })

    while (count() < 300) await delay(10)
    await kafka.kill(1)
    // Every partition goes on under the leaders that are left.
    const sizes = acknowledged.map(({ size }) => size)
    while (acknowledged.some(({ size }, partition) => size < sizes[partition]! + 50)) await delay(10)
    isOver = true
    await Promise.all(producing)

    for (const [partition, offsets] of acknowledged.entries()) {
      const { end } = (await client.ends(topic))[partition]!
      const texts = (await client.fetch(topic, partition, 0, end)).map(({ value }) => value!.toString())
      for (const [offset, text] of offsets) expect(texts[offset]).toBe(text)
      const firsts = [...new Set(texts)]
      expect(firsts).toEqual(firsts.map((_, i) => `${partition}-${i}`))
    }
    await member.until(() => new Set(member.texts).size >= count())
  }, 180_000)
})
