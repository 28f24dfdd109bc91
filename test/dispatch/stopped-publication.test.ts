import { expect, it } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import type { Sink } from '../../src/sinks/sink.ts'
import { DispatchFixture } from './dispatch-fixture.ts'
import type { Seen } from './scripted-pool.ts'

it('lets no result of a key out after a stop has given up an earlier one', async () => {
  const delivered: string[] = []
  const bothRan = Promise.withResolvers<void>()
  const refused = Promise.withResolvers<void>()
  const sink: Sink = {
    name: 'far',
    kind: 'http',
    start: () => Promise.resolve(),
    deliver: async ({ value }) => {
      delivered.push(value.toString())
      if (value.toString() === 'first') return
      await bothRan.promise
      setImmediate(refused.resolve)
      throw new SluiceError('SLUICE_SINKS_UNAVAILABLE', 'away')
    },
    health: () => ({ ready: true }),
    close: () => Promise.resolve(),
  }
  const script = ({ value }: Seen) => {
    if (value === 'b') bothRan.resolve()
    const results = [{ meta: {}, contentType: 'text/plain', data: Buffer.from(value) }]
    return { kind: 'succeeded' as const, results, durationMs: 0.1 }
  }
  const sinkRetry = { maxAttempts: 5, initialDelayMs: 60_000, maxDelayMs: 60_000, jitter: 0 }
  const fixture = new DispatchFixture()
  await fixture.open(script, { sinks: [sink], sinkRetry, commitIntervalMs: 60_000 })
  try {
    await fixture.appendAll([
      ['other', 'first'],
      ['k', 'a'],
      ['k', 'b'],
    ])
    await refused.promise
    // A stop has something to commit, and the partition is its own until it has.
    await fixture.untilDone(1)
    await fixture.trigger.stop(0)
    await fixture.trigger.ended()
    expect(delivered).toEqual(['first', 'a'])
  } finally {
    await fixture.dispose()
  }
})
