import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { OutgoingRecord } from '../../../../src/log/kafka/kafka-client.ts'
import { PartitionSender, type PartitionSenderOptions } from '../../../../src/log/kafka/kafkajs/partition-sender.ts'

const recordOf = (value: string): OutgoingRecord => ({ key: null, value: Buffer.from(value), headers: [] })
const textOf = (record: OutgoingRecord): string => record.value!.toString()
const kafkaError = (type: string, retriable: boolean): Error =>
  Object.assign(new Error(type), { name: 'KafkaJSProtocolError', type, retriable })

/** A partition that takes requests into `written`, unless the script of the test says otherwise. */
class FakePartition {
  readonly written: string[] = []
  readonly requests: string[][] = []
  readonly closing = new AbortController()
  readonly sender: PartitionSender
  inFlight = 0
  queuedBytes = 0
  #offset = 0

  constructor(
    script: (attempt: number, values: string[]) => 'ok' | 'no response' | 'written, no response' | Error,
    options: Partial<PartitionSenderOptions> = {},
  ) {
    this.sender = new PartitionSender({
      topic: 't',
      partition: 0,
      maxRecords: 100,
      maxBytes: 1_000_000,
      timeoutMs: 10_000,
      retryMinMs: 0,
      retryMaxMs: 1,
      signal: this.closing.signal,
      settled: bytes => (this.queuedBytes -= bytes),
      send: async records => {
        expect(++this.inFlight).toBe(1)
        const values = records.map(textOf)
        this.requests.push(values)
        await new Promise(resolve => setImmediate(resolve))
        this.inFlight -= 1
        const outcome = script(this.requests.length, values)
        if (outcome === 'ok' || outcome === 'written, no response') this.written.push(...values)
        if (outcome instanceof Error) throw outcome
        if (outcome !== 'ok') {
          if (outcome === 'written, no response') this.#offset += values.length
          return undefined
        }
        const base = this.#offset
        this.#offset += values.length
        return base
      },
      ...options,
    })
  }

  produce(...values: string[]): Promise<number> {
    this.queuedBytes += values.length * 10
    return this.sender.produce(
      values.map(recordOf),
      values.map(() => 10),
      values.length * 10,
    )
  }
}

describe('a partition sender', () => {
  it('sends what is asked for in one go as one request, each call with its own offset', async () => {
    const partition = new FakePartition(() => 'ok')
    expect(await Promise.all([partition.produce('a'), partition.produce('b', 'c'), partition.produce('d')])).toEqual([
      0, 1, 3,
    ])
    expect(partition.requests).toEqual([['a', 'b', 'c', 'd']])
    expect(partition.queuedBytes).toBe(0)
  })

  it('gathers what comes while a request is in flight', async () => {
    const partition = new FakePartition(() => 'ok')
    const first = partition.produce('a')
    await new Promise(resolve => setImmediate(resolve))
    await Promise.all([first, partition.produce('b'), partition.produce('c')])
    expect(partition.requests).toEqual([['a'], ['b', 'c']])
  })

  it('keeps the bounds of a request, also within a call', async () => {
    const partition = new FakePartition(() => 'ok', { maxRecords: 2, maxBytes: 25 })
    expect(await Promise.all([partition.produce('a', 'b', 'c', 'd', 'e'), partition.produce('f')])).toEqual([0, 5])
    expect(partition.requests).toEqual([
      ['a', 'b'],
      ['c', 'd'],
      ['e', 'f'],
    ])
  })

  it('sends a record that is larger than a request alone', async () => {
    const partition = new FakePartition(() => 'ok', { maxBytes: 5 })
    await partition.produce('a', 'b')
    expect(partition.requests).toEqual([['a'], ['b']])
  })

  it('sends a failed request again as it was, with what came later behind it', async () => {
    const partition = new FakePartition(attempt => (attempt <= 3 ? kafkaError('NOT_LEADER_FOR_PARTITION', true) : 'ok'))
    const first = partition.produce('a')
    await new Promise(resolve => setImmediate(resolve))
    await Promise.all([first, partition.produce('b')])
    expect(partition.written).toEqual(['a', 'b'])
  })

  it('takes a response that does not prove the write for a failure', async () => {
    const partition = new FakePartition(attempt => (attempt === 1 ? 'no response' : 'ok'))
    expect(await partition.produce('a')).toBe(0)
    expect(partition.requests).toHaveLength(2)
  })

  it('gives up when the time is over and says that the outcome is unknown, and goes on with what has time', async () => {
    const partition = new FakePartition(
      (_, values) => (values.includes('late') ? kafkaError('NOT_ENOUGH_REPLICAS', true) : 'ok'),
      { timeoutMs: 5, maxRecords: 1 },
    )
    const late = partition.produce('late')
    await expect(late).rejects.toMatchObject({ code: 'SLUICE_KAFKA_PRODUCE', retryable: true })
    expect(await partition.produce('next')).toBe(0)
    expect(partition.queuedBytes).toBe(0)
  })

  it('fails only the call whose record is too large', async () => {
    const partition = new FakePartition((_, values) =>
      values.includes('huge') ? kafkaError('MESSAGE_TOO_LARGE', false) : 'ok',
    )
    const results = await Promise.allSettled([
      partition.produce('a'),
      partition.produce('huge'),
      partition.produce('b'),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(results[1]).toMatchObject({ reason: { code: 'SLUICE_KAFKA_RECORD_TOO_LARGE' } })
    expect(partition.written).toEqual(['a', 'b'])
  })

  it('does not try again what the broker denies', async () => {
    const partition = new FakePartition(() => kafkaError('TOPIC_AUTHORIZATION_FAILED', false))
    await expect(partition.produce('a')).rejects.toMatchObject({ code: 'SLUICE_KAFKA_DENIED' })
    expect(partition.requests).toHaveLength(1)
  })

  it('rejects everything that waits when the client is closed', async () => {
    const partition = new FakePartition(() => kafkaError('NOT_LEADER_FOR_PARTITION', true), {
      retryMinMs: 60_000,
      retryMaxMs: 60_000,
    })
    const calls = [partition.produce('a'), partition.produce('b')]
    const settled = Promise.allSettled(calls)
    await new Promise(resolve => setTimeout(resolve, 10))
    partition.closing.abort()
    expect(await settled).toMatchObject([
      { reason: { code: 'SLUICE_KAFKA_CLOSED' } },
      { reason: { code: 'SLUICE_KAFKA_CLOSED' } },
    ])
  })

  it('never acknowledges what was not written, and keeps the order of what it acknowledges, whatever fails', async () => {
    const outcome = fc.constantFrom('ok', 'no response', 'written, no response', 'error' as const)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 20 }),
        fc.array(outcome, { maxLength: 30 }),
        async (sizes, outcomes) => {
          const partition = new FakePartition(
            attempt => {
              const scripted = outcomes[attempt - 1] ?? 'ok'
              return scripted === 'error' ? kafkaError('REQUEST_TIMED_OUT', true) : scripted
            },
            { maxRecords: 3 },
          )
          const values = sizes.flatMap((size, call) => Array.from({ length: size }, (_, i) => `${call}.${i}`))
          const calls: Promise<number>[] = []
          for (const [call, size] of sizes.entries()) {
            calls.push(partition.produce(...Array.from({ length: size }, (_, i) => `${call}.${i}`)))
            if (call % 3 === 0) await new Promise(resolve => setImmediate(resolve))
          }
          const offsets = await Promise.all(calls)
          // Without repeats: the last time each was written.
          const order = [...new Set(partition.written.toReversed())].toReversed()
          expect(order).toEqual(values)
          for (const [call, offset] of offsets.entries()) expect(partition.written[offset]).toBe(`${call}.0`)
        },
      ),
      { numRuns: 100 },
    )
  })
})
