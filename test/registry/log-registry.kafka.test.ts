import { randomUUID } from 'node:crypto'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts'
import { createKafkajsClient } from '../../src/log/kafka/kafkajs/kafkajs-client.ts'
import { openRegistry } from '../../src/registry/log-registry.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { openSnapshotFiles } from '../../src/registry/snapshot-file.ts'
import { sharedKafka } from '../support/kafka/shared-kafka.ts'
import { describeWith } from '../support/real-parts.ts'
import { publish, putFunction, temporaryDirectory, textOf } from './registry-fixtures.ts'

describeWith(['kafka'], 'a registry on a Kafka topic', () => {
  it('is the same on every node, and after a restart from a snapshot', { timeout: 120_000 }, async () => {
    const directory = await temporaryDirectory()
    onTestFinished(() => directory[Symbol.asyncDispose]())
    const topic = `registry-${randomUUID()}`
    const client = createKafkajsClient({ brokers: (await sharedKafka()).brokers.split(',') })
    onTestFinished(() => client.close())
    await client.ensureTopic({ topic, partitions: 1, replicationFactor: 1 })
    const open = async (node: string): Promise<Registry> => {
      const log = await openKafkaLog({ client, stream: 'registry', topic, form: 'home', groupPrefix: `${topic}-` })
      const registry = await openRegistry({
        log,
        snapshots: await openSnapshotFiles({ dir: `${directory.path}/${node}` }),
        group: `registry.${node}`,
        snapshotCommands: 10,
        onFatal: error => {
          throw error
        },
      })
      onTestFinished(async () => {
        await registry.close()
        await log.close()
      })
      return registry
    }
    const nodes = [await open('a'), await open('b')]
    await nodes[0]!.transact('test', () => [putFunction('shared')])
    await vi.waitFor(() => expect(nodes[1]!.state.functions.has('shared')).toBe(true), 30_000)
    const published = Array.from({ length: 20 }, (_, i) =>
      nodes[i % 2]!.transact('test', ({ functions }) => [publish('shared', functions.get('shared')!.lastVersion + 1)]),
    )
    await Promise.all(published)
    const [a, b] = nodes
    const end = Math.max(a!.state.position, b!.state.position)
    await vi.waitFor(() => expect([a!.state.position, b!.state.position]).toEqual([end, end]), 30_000)
    expect(a!.state.functions.get('shared')?.lastVersion).toBe(20)
    expect(textOf(b!.state)).toBe(textOf(a!.state))
    await a!.close()
    await b!.transact('test', () => [putFunction('meanwhile')])
    const again = await open('a')
    expect(textOf(again.state)).toBe(textOf(b!.state))
    await again.transact('test', () => [putFunction('later')])
    await vi.waitFor(() => expect(b!.state.functions.has('later')).toBe(true), 30_000)
  })
})
