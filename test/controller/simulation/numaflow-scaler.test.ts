import { describe, expect, it } from 'vitest'
import { createNumaflowScaler, type NumaflowOptions } from '../../../src/controller/simulation/numaflow-scaler.ts'
import type { FunctionView } from '../../../src/controller/simulation/scaler.ts'

const policy = { minWorkers: 0, maxWorkers: 20, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000 }
const fn = { name: 'fn', policy, behaviour: { serviceTimeMs: 20 } }
const view: FunctionView = {
  nowMs: 0,
  wallMs: 0,
  desired: 0,
  ready: 0,
  busy: 0,
  running: 0,
  waiting: 0,
  runnableKeys: 0,
  succeeded: 0,
  failed: 0,
  cpuMs: 0,
  handlerMs: 0,
  serviceTimeMs: 20,
  contended: false,
}

/** Replicas at each second; every replica completes 50/s, and so much is pending. */
function replicas(pendingAt: (seconds: number) => number | undefined, seconds: number, options: NumaflowOptions = {}) {
  const scaler = createNumaflowScaler('Numaflow', options)([fn], { cores: 2, memoryMiB: 4_096 })
  let completed = 0
  let last = 1
  return Array.from({ length: seconds }, (_, second) => {
    const waiting = pendingAt(second)
    if ((waiting ?? 1) > 0) completed += last * 50
    last = scaler.decide([{ ...view, nowMs: second * 1000, waiting, succeeded: completed }])[0]?.workers ?? -1
    return last
  })
}

describe('the Numaflow baseline', () => {
  it('wants pending ÷ target ÷ rate per replica, two at a time with a cooldown between', () => {
    // 10,000 ÷ 20 s ÷ 50/s: ten replicas.
    const over = replicas(() => 10_000, 700)
    expect([over[29], over[30], over[119], over[120]]).toEqual([1, 3, 3, 5])
    expect(over.at(-1)).toBe(10)
  })

  it('goes to zero when nothing is pending and nothing was done, and peeks from there', () => {
    const over = replicas(() => 0, 400, { lookbackS: 30 })
    expect([over[29], over[30], over[149], over[150]]).toEqual([1, 0, 0, 1])
  })

  it('does nothing without metrics', () => {
    expect(replicas(() => undefined, 200).at(-1)).toBe(1)
  })

  it('never wants more replicas than there are pending messages', () => {
    expect(replicas(() => 3, 700, { targetProcessingS: 1, lookbackS: 5 }).every(count => count <= 3)).toBe(true)
  })
})
