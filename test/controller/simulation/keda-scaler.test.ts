import { describe, expect, it } from 'vitest'
import { createKedaScaler, type KedaOptions } from '../../../src/controller/simulation/keda-scaler.ts'
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

/** Replicas at each second for a lag over time. */
function replicas(
  lagAt: (seconds: number) => number | undefined,
  seconds: number,
  options: KedaOptions = {},
): number[] {
  const scaler = createKedaScaler('KEDA', options)([fn], { cores: 2, memoryMiB: 4_096 })
  return Array.from({ length: seconds }, (_, second) => {
    const waiting = lagAt(second)
    return scaler.decide([{ ...view, nowMs: second * 1000, waiting }])[0]?.workers ?? -1
  })
}

describe('the KEDA baseline', () => {
  it('activates at a poll, and then follows lag ÷ threshold at every sync, at most doubled or four more in 15 s', () => {
    const over = replicas(() => 150, 61)
    expect([over[0], over[14], over[15], over[30]]).toEqual([5, 5, 10, 15])
    const late = replicas(second => (second < 10 ? 0 : 150), 61)
    expect([late[29], late[30]]).toEqual([0, 5])
  })

  it('makes no more consumers than partitions', () => {
    expect(replicas(() => 10_000, 200, { partitions: 7 }).at(-1)).toBe(7)
    expect(replicas(() => 10_000, 200).at(-1)).toBe(20)
  })

  it('stays within its tolerance', () => {
    // 10 replicas and a lag of 109 for a threshold of 10: 9 % off.
    expect(replicas(second => (second < 60 ? 100 : 109), 200).at(-1)).toBe(10)
    expect(replicas(second => (second < 60 ? 100 : 112), 200).at(-1)).toBe(12)
  })

  it('shrinks after its stabilisation window, and to zero after its cooldown', () => {
    const falling = replicas(second => (second < 60 ? 100 : 20), 500)
    expect([falling[100], falling[344], falling[345]]).toEqual([10, 10, 2])
    const ending = replicas(second => (second < 60 ? 20 : 0), 500)
    expect([ending[329], ending.at(-1)]).toEqual([2, 0])
  })

  it('does not activate for a lag that does not exceed activationLagThreshold', () => {
    expect(replicas(() => 5, 100, { activationLagThreshold: 5 }).at(-1)).toBe(0)
    expect(replicas(() => 6, 100, { activationLagThreshold: 5 }).at(-1)).toBe(1)
  })

  it('does nothing without a metric', () => {
    expect(replicas(second => (second < 60 ? 100 : undefined), 300).at(-1)).toBe(10)
  })
})
