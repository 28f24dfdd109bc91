import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { invocationError } from '../../src/workers/invocation-error.ts'
import type { InvocationOutcome } from '../../src/workers/invocation.ts'
import { chunkFlag, decodeChunk, ResultWriter, resultStatus } from '../../src/workers/result-codec.ts'
import { PoolTally } from '../../src/workers/pool-tally.ts'
import { RunningFrame } from '../../src/workers/running-frame.ts'
import { invocationOf } from './worker-fixtures.ts'

const nonce = { high: 1, low: 2 }

function decoded(chunk: unknown): {
  outcomes: [number, InvocationOutcome | 'started'][]
  summary: ReturnType<typeof decodeChunk>
} {
  const outcomes: [number, InvocationOutcome | 'started'][] = []
  const summary = decodeChunk(chunk, nonce, {
    started: index => outcomes.push([index, 'started']),
    succeeded(index, decoded, durationMs) {
      const results = decoded.map(({ meta, contentType, data }) => ({ meta, contentType, data }))
      outcomes.push([index, { kind: 'succeeded', results, durationMs }])
    },
    failed: (index, error, durationMs) => outcomes.push([index, { kind: 'failed', error, durationMs }]),
    batchFailed: (index, events, error, durationMs) =>
      outcomes.push([index, { kind: 'batch-failed', error, durationMs, part: { events } }]),
    notStarted: index => outcomes.push([index, { kind: 'not-started' }]),
    interrupted: index => outcomes.push([index, { kind: 'not-started', interrupted: true }]),
  })
  return { outcomes, summary }
}

function sample(): Uint8Array<ArrayBuffer> {
  const writer = new ResultWriter()
  writer.begin(nonce)
  writer.called(5)
  writer.called(2.5)
  writer.status(0, resultStatus.none, 1.5)
  writer.results(1, 2, [
    { meta: {}, contentType: 'application/json', data: '{"grün":1}' },
    { meta: { topic: 't' }, contentType: 'image/png', data: Buffer.alloc(10_000, 7) },
  ])
  writer.failure(2, 3, invocationError('timeout', 'TimeoutError', 'too long', 'at x'))
  writer.status(3, resultStatus.notStarted, 0)
  writer.status(4, resultStatus.started, 0)
  writer.batchFailure(5, 3, 2, invocationError('error', 'Error', 'all three', 'at y'))
  return writer.take(chunkFlag.final, 3, { cpuMs: 4, busyMs: 8, activeMs: 6 })
}

describe('results', () => {
  it('come out as they were written', () => {
    const { outcomes, summary } = decoded(sample())
    expect(outcomes).toEqual([
      [0, { kind: 'succeeded', results: [], durationMs: 1.5 }],
      [
        1,
        {
          kind: 'succeeded',
          results: [
            { meta: {}, contentType: 'application/json', data: Buffer.from('{"grün":1}') },
            { meta: { topic: 't' }, contentType: 'image/png', data: Buffer.alloc(10_000, 7) },
          ],
          durationMs: 2,
        },
      ],
      [
        2,
        {
          kind: 'failed',
          error: { reason: 'timeout', name: 'TimeoutError', message: 'too long', stack: 'at x' },
          durationMs: 3,
        },
      ],
      [3, { kind: 'not-started' }],
      [4, 'started'],
      [
        5,
        {
          kind: 'batch-failed',
          error: { reason: 'error', name: 'Error', message: 'all three', stack: 'at y' },
          durationMs: 2,
          part: { events: 3 },
        },
      ],
    ])
    expect(summary).toEqual({
      flags: chunkFlag.final,
      taken: 3,
      activeMs: 6,
      cpuMs: 4,
      busyMs: 8,
      handlerMs: 7.5,
      complete: true,
    })
  })

  it('take nine bytes for a success without one', () => {
    const writer = new ResultWriter()
    writer.begin(nonce)
    const empty = writer.byteLength
    writer.status(0, resultStatus.none, 1)
    expect(writer.byteLength - empty).toBe(9)
  })

  it('of another frame, or of none, are ignored', () => {
    for (const chunk of [undefined, null, 'x', {}, new Uint8Array(5), new Uint8Array(100), new ArrayBuffer(50)]) {
      expect(decoded(chunk)).toEqual({ outcomes: [], summary: undefined })
    }
    const forged = sample()
    forged[4] = 99
    expect(decoded(forged)).toEqual({ outcomes: [], summary: undefined })
  })

  it('that are damaged never throw and settle no event twice', () => {
    const original = sample()
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: original.length - 1 }), fc.nat({ max: 255 })), { maxLength: 8 }),
        fc.nat({ max: original.length }),
        (changes, cut) => {
          const chunk = original.slice(0, original.length - cut)
          for (const [at, byte] of changes) if (at < chunk.length) chunk[at] = byte
          const invocations = [0, 1, 2, 3, 4, 5, 6, 7].map(() => invocationOf({}))
          const tally = new PoolTally()
          const frame = new RunningFrame(invocations, { nonce, careful: false, tally, done: () => {} })
          frame.receive(chunk)
          frame.workerDied(invocationError('crash', 'x', 'y'), { handler: 0, cpu: 0 }, true)
          for (const { outcomes } of invocations) expect(outcomes.length).toBe(1)
          expect(frame.open).toBe(0)
          expect(Number.isFinite(tally.cpuMs + tally.handlerMs)).toBe(true)
        },
      ),
      { numRuns: 500 },
    )
  })
})
