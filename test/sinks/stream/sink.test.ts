import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../../src/errors/sluice-error.ts'
import { createStreamSink } from '../../../src/sinks/stream/sink.ts'
import type { OutgoingResult } from '../../../src/sinks/sink.ts'

const header = { id: 'e.t.0', source: '/functions/f', type: 'r', acceptedAtMs: 1, hops: 1 }
const result: OutgoingResult = { header, value: Buffer.from('v'), meta: {}, cause: header }

describe('a stream sink', () => {
  it('has delivered a result when the stream has it durably, with its deterministic id', async () => {
    const appended: unknown[] = []
    const durable = Promise.withResolvers<void>()
    const sink = createStreamSink({
      name: 's',
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
    const sink = createStreamSink({ name: 's', append: () => Promise.reject(tooLarge) })
    await expect(sink.deliver(result)).rejects.toBe(tooLarge)
    expect(sink.health()).toEqual({ ready: true })
  })
})
