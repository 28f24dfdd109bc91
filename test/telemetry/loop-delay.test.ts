import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LoopDelay } from '../../src/telemetry/loop-delay.ts'

let loop: LoopDelay

beforeEach(() => {
  loop = new LoopDelay()
})

afterEach(() => loop.stop())

/** Holds up the event loop. */
function block(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

describe('the delay of the event loop', () => {
  it('shows what has held it up, and not the time between two samples', async () => {
    while (loop.read().delay === undefined) await nextTurn()
    block(300)
    while ((loop.read().delay?.max ?? 0) < 0.2) await wait(5)
    const { delay, utilization } = loop.read()
    expect(delay!.max).toBeLessThan(60)
    expect(delay!.p50).toBeLessThanOrEqual(delay!.p99)
    expect(delay!.p99).toBeLessThanOrEqual(delay!.max + 0.001)
    expect(utilization).toBeGreaterThan(0)
    expect(utilization).toBeLessThanOrEqual(1)
  })
})
