import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { describeWith } from '../real-parts.ts'
import { countLiveBrokers } from './await-kafka.ts'
import { sharedKafka } from './shared-kafka.ts'

describeWith(['kafka'], 'the shared Kafka', () => {
  it('is one broker for everybody who asks', async () => {
    const [first, second] = await Promise.all([sharedKafka(), sharedKafka()])
    expect(second.brokers).toBe(first.brokers)
    const [host, port] = first.brokers.split(',')[0]!.split(':')
    await new Promise<void>((resolve, reject) => {
      const socket = connect(Number(port), host!, () => {
        socket.destroy()
        resolve()
      })
      socket.once('error', reject)
    })
    if (host === '127.0.0.1') expect(await countLiveBrokers(Number(port))).toBeGreaterThan(0)
  })
})
