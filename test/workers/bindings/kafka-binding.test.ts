import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { FunctionVersion, ResolvedBinding } from '../../../src/functions/function-version.ts'
import type { KafkaRecord } from '../../../src/log/kafka/kafka-client.ts'
import { partitionFor } from '../../../src/log/partitioner.ts'
import type { InvocationOutcome } from '../../../src/workers/invocation.ts'
import { createWorkerPool } from '../../../src/workers/piscina-pool.ts'
import type { WorkerPool } from '../../../src/workers/worker-pool.ts'
import { freePort } from '../../support/free-port.ts'
import { sharedKafka } from '../../support/kafka/shared-kafka.ts'
import { describeWith } from '../../support/real-parts.ts'
import { cleanUp, newTopic, openClient } from '../../log/kafka/kafka-group.ts'
import { invocationOf, jsonOf, outcomesOf, versionOf } from '../worker-fixtures.ts'

let pool: WorkerPool

afterEach(async () => {
  await pool.close(0)
  await cleanUp()
})

type KafkaDefinition = Extract<ResolvedBinding, { type: 'kafka' }>

function start(
  brokers: string,
  definition: Partial<KafkaDefinition> = {},
  changes: Partial<FunctionVersion> = {},
): void {
  const audit: ResolvedBinding = { type: 'kafka', brokers: brokers.split(','), clientId: 'sluice-test', ...definition }
  pool = createWorkerPool(versionOf('binding-user.mjs', { bindings: { audit }, timeoutMs: 30_000, ...changes }))
  pool.setWorkers(1)
}

async function send(...args: unknown[]): Promise<InvocationOutcome> {
  const [outcome] = await outcomesOf(pool, [invocationOf({ use: 'audit', call: 'send', args })])
  return outcome as InvocationOutcome
}

const sentTo = (outcome: InvocationOutcome): unknown => (jsonOf(outcome) as [unknown])[0]

const problemOf = (outcome: InvocationOutcome): string =>
  outcome.kind === 'failed' ? outcome.error.message : `it ${outcome.kind}`

describeWith(['kafka'], 'a Kafka binding', () => {
  async function startWith(definition: Partial<KafkaDefinition> = {}, changes: Partial<FunctionVersion> = {}) {
    const client = await openClient()
    const topic = await newTopic(client, 4)
    start((await sharedKafka()).brokers, { topic, ...definition }, changes)
    const recordOf = async ({ partition, offset }: { partition: number; offset: number }): Promise<KafkaRecord> => {
      const [record] = await client.fetch(topic, partition, offset, 1)
      return record as KafkaRecord
    }
    return { topic, recordOf }
  }

  it('sends a record with the key of its definition to the partition that Kafka gives it', async () => {
    const { recordOf } = await startWith({ key: '{event.data.args.0.user}' })
    const place = sentTo(await send({ user: 'ada' })) as { partition: number; offset: number }
    expect(place).toEqual({ partition: partitionFor(Buffer.from('ada'), 4, () => 0), offset: 0 })
    expect(await recordOf(place)).toMatchObject({ key: Buffer.from('ada'), value: Buffer.from('{"user":"ada"}') })
  })

  it('sends as the call says', async () => {
    const { recordOf } = await startWith({ key: '{event.id}' })
    const place = sentTo(await send(null, { key: 'k', partition: 3, headers: { trace: 'x' } }))
    expect(place).toEqual({ partition: 3, offset: 0 })
    expect(await recordOf({ partition: 3, offset: 0 })).toMatchObject({
      key: Buffer.from('k'),
      value: null,
      headers: [['trace', Buffer.from('x')]],
    })
  })

  it('spreads records without a key', async () => {
    await startWith()
    const frame = Array.from({ length: 8 }, () => invocationOf({ use: 'audit', call: 'send', args: ['x'] }))
    const places = (await outcomesOf(pool, frame)).map(sentTo) as { partition: number }[]
    expect(places.map(({ partition }) => partition).sort()).toEqual([0, 0, 1, 1, 2, 2, 3, 3])
  })

  it('works in a function that may import nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-kafka-binding-'))
    try {
      const file = join(folder, 'index.mjs')
      await writeFile(file, `export default (event, context) => context.bindings.audit.send('own')`)
      const { recordOf } = await startWith({}, { file, selfContained: true })
      const place = sentTo(await send()) as { partition: number; offset: number }
      expect(await recordOf(place)).toMatchObject({ value: Buffer.from('own') })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('sends nothing to what is not there', async () => {
    const { topic } = await startWith()
    expect(problemOf(await send('x', { topic: 'nobody-made-it' }))).toBe(
      'binding audit: topic nobody-made-it does not exist',
    )
    expect(problemOf(await send('x', { partition: 4 }))).toBe(
      `binding audit: topic ${topic} has no partition 4; it has 4`,
    )
  })
})

describe('a Kafka binding without brokers', () => {
  it('holds up nobody, and fails the attempt that needs it', async () => {
    start(`127.0.0.1:${await freePort()}`, { topic: 't' })
    expect(jsonOf((await outcomesOf(pool, [invocationOf({ use: 'init' })]))[0])).toMatchObject([{ names: ['audit'] }])
    expect(problemOf(await send('x'))).toMatch(/^binding audit: .*127\.0\.0\.1/)
  })

  it.each([
    [{}, ['x'], 'the definition has no topic, so that send() needs one: send(value, { topic })'],
    [{ topic: 'a-{event.data.none}' }, ['x'], 'topic: {event.data.none} cannot be filled: the event does not have it'],
    [
      { topic: 't', key: '{event.data.none}' },
      ['x'],
      'key: {event.data.none} cannot be filled: the event does not have it',
    ],
  ])('says what is missing: %j', async (definition, args, message) => {
    start('127.0.0.1:1', definition)
    expect(problemOf(await send(...args))).toBe(`binding audit: ${message}`)
  })
})
