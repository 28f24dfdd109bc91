import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { startKafka } from '../../../support/kafka/kafka-broker.ts'
import { describeWith } from '../../../support/real-parts.ts'
import { atCleanup, cleanUp, GroupMember, newGroup, newTopic, openClient, produceTexts } from '../kafka-group.ts'

describeWith(['kafka'], 'a broker that is killed and comes back', () => {
  afterEach(cleanUp)

  it('has everything that was acknowledged, in order, and consumers and commits go on', async () => {
    const kafka = await startKafka()
    atCleanup(() => kafka.stop())
    const client = await openClient({ brokers: kafka.brokers.split(',') })
    const topic = await newTopic(client, 2)
    const options = { group: newGroup(), topic, start: 'earliest' as const, sessionTimeoutMs: 6_000 }
    const member = await GroupMember.join(client, options)
    await member.owns(2)

    const acknowledged = new Map<string, { partition: number; offset: number }>()
    let isOver = false
    const producing = [0, 1].map(async partition => {
      const calls: Promise<void>[] = []
      for (let i = 0; !isOver; i++) {
        const text = `${partition}-${i}`
        calls.push(
          produceTexts(client, topic, partition, [text]).then(
            offset => void acknowledged.set(text, { partition, offset }),
          ),
        )
        await delay(2)
      }
      await Promise.all(calls)
    })

    await member.received(200)
    await kafka.kill(0)
    const before = acknowledged.size
    await member.until(() => !client.health().connected)
    await kafka.restart(0)
    while (acknowledged.size < before + 200) await delay(10)
    isOver = true
    await Promise.all(producing)

    for (const partition of [0, 1]) {
      const { end } = (await client.ends(topic))[partition]!
      const log = await client.fetch(topic, partition, 0, end)
      const texts = log.map(({ value }) => value!.toString())
      for (const [text, where] of acknowledged)
        if (where.partition === partition) expect(texts[where.offset]).toBe(text)
      // A request whose answer was lost is written twice, as a whole.
      const firsts = [...new Set(texts)]
      expect(firsts).toEqual(firsts.map((_, i) => `${partition}-${i}`))
    }
    await member.until(() => new Set(member.texts).size === acknowledged.size)
    await member.owns(2)
    for (const partition of [0, 1]) {
      const { end } = (await client.ends(topic))[partition]!
      await member.commit(partition, end)
      expect((await client.committed(options.group, topic)).get(partition)).toBe(end)
    }
    expect(client.health()).toEqual({ connected: true, lastError: null })
  })
})
