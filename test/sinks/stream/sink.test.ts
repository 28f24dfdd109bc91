import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../../src/errors/sluice-error.ts'
import { unrestricted } from '../../../src/sinks/result-policy.ts'
import { createStreamSink } from '../../../src/sinks/stream/sink.ts'
import type { OutgoingResult } from '../../../src/sinks/sink.ts'

const header = { id: 'e.t.0', source: '/functions/f', type: 'r', acceptedAtMs: 1, hops: 1 }
const result: OutgoingResult = { header, value: Buffer.from('v'), meta: {}, cause: header, policy: unrestricted }

describe('a stream sink', () => {
  it('has delivered a result when the stream has it durably, with its deterministic id', async () => {
    const appended: unknown[] = []
    const durable = Promise.withResolvers<void>()
    const sink = createStreamSink({
      name: 's',
      stream: 'orders',
      append: async event => {
        await durable.promise
        appended.push(event)
      },
    })
    const delivery = sink.deliver(result)
    expect(appended).toEqual([])
    durable.resolve()
    await delivery
    expect(appended).toEqual([{ header, value: result.value }])
  })

  it('is not ready while the stream takes nothing, and is again when it does', async () => {
    let refusal: SluiceError | undefined = new SluiceError('SLUICE_LOG_FULL', 'full')
    const sink = createStreamSink({
      name: 's',
      stream: 'orders',
      append: () => (refusal === undefined ? Promise.resolve() : Promise.reject(refusal)),
    })
    await expect(sink.deliver(result)).rejects.toMatchObject({ code: 'SLUICE_LOG_FULL' })
    expect(sink.health()).toEqual({ ready: false, detail: 'full' })
    refusal = undefined
    await sink.deliver(result)
    expect(sink.health()).toEqual({ ready: true })
  })

  it('stays ready when a single result is refused for itself', async () => {
    const tooLarge = new SluiceError('SLUICE_LOG_RECORD_TOO_LARGE', 'too large')
    const sink = createStreamSink({ name: 's', stream: 'orders', append: () => Promise.reject(tooLarge) })
    await expect(sink.deliver(result)).rejects.toBe(tooLarge)
    expect(sink.health()).toEqual({ ready: true })
  })

  it('takes no result of a function whose role names neither it nor its stream', async () => {
    const appended: string[] = []
    const append = ({ header }: Pick<OutgoingResult, 'header'>): Promise<void> => {
      appended.push(header.id)
      return Promise.resolve()
    }
    const sink = createStreamSink({ name: 's', stream: 'orders', append })
    for (const role of [{ sinks: ['other'] }, { streams: ['s'] }, { sinks: ['s'], streams: [] }]) {
      const denied = { ...result, policy: { role, network: undefined } }
      await expect(sink.deliver(denied)).rejects.toMatchObject({ code: 'SLUICE_SINKS_FORBIDDEN', retryable: false })
    }
    expect(appended).toEqual([])
    expect(sink.health()).toEqual({ ready: true })
    await sink.deliver({ ...result, policy: { role: { sinks: ['s'], streams: ['orders'] }, network: undefined } })
    expect(appended).toEqual(['e.t.0'])
  })
})
