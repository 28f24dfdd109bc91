import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RolloutBounds, RolloutRecord } from '../../src/registry/registry-records.ts'
import { decideRollout, type StepPerformance, type VersionPerformance } from '../../src/registry/rollout-decision.ts'

const rollout: RolloutRecord = {
  id: 'r',
  state: 'running',
  from: [{ version: 1, weight: 100 }],
  to: 2,
  steps: [10, 50, 100],
  stepMs: 60_000,
  bounds: { minInvocations: 20 },
  step: 0,
  stepSinceMs: 1_000_000,
  startedAtMs: 1_000_000,
}
const stepEndMs = 1_060_000
const healthy: VersionPerformance = { invocations: 200, failures: 0, p95Ms: 20 }

const decide = (
  bounds: Partial<RolloutBounds>,
  fresh: Partial<VersionPerformance>,
  { old = {}, step = 0, nowMs = stepEndMs }: { old?: Partial<VersionPerformance>; step?: number; nowMs?: number } = {},
) =>
  decideRollout(
    { ...rollout, step, bounds: { minInvocations: 20, ...bounds } },
    { new: { ...healthy, ...fresh }, old: { ...healthy, ...old } },
    nowMs,
  )

describe('decideRollout', () => {
  it('advances when the step was held long enough, and completes after the last one', () => {
    expect(decide({}, {})).toEqual({
      kind: 'advance',
      step: 1,
      reason: '10 % held for 60 s, 0 of 200 attempts failed; now 50 %',
    })
    expect(decide({}, {}, { step: 1 })).toMatchObject({ kind: 'advance', step: 2 })
    expect(decide({}, {}, { step: 2 })).toMatchObject({ kind: 'complete' })
    expect(decide({}, {}, { nowMs: stepEndMs - 1 })).toEqual({ kind: 'hold', reason: '10 % for another 1 s' })
  })

  it('holds while the new version has not run often enough, however long that takes', () => {
    const nowMs = stepEndMs + 86_400_000
    expect(decide({}, { invocations: 3 }, { nowMs })).toEqual({
      kind: 'hold',
      reason: 'waiting for invocations: 3 of 20',
    })
    expect(decide({}, { invocations: 0, p95Ms: undefined }, { nowMs })).toMatchObject({ kind: 'hold' })
    // Whoever asks for none has the time alone.
    expect(decide({ minInvocations: 0 }, { invocations: 0, p95Ms: undefined })).toMatchObject({ kind: 'advance' })
  })

  it('rolls back at once when a bound is broken, not at the end of the step', () => {
    const early = { nowMs: rollout.stepSinceMs + 1 }
    expect(decide({ maxErrorRate: 0.05 }, { failures: 50 }, early)).toEqual({
      kind: 'roll-back',
      reason: '50 of 200 attempts failed (25 %), the bound is 5 %',
    })
    expect(decide({ maxP95Ms: 100 }, { p95Ms: 123.456 }, early)).toEqual({
      kind: 'roll-back',
      reason: 'the p95 duration is 123 ms, the bound is 100 ms',
    })
    expect(decide({ maxP95Ratio: 1.5 }, { p95Ms: 41 }, early)).toEqual({
      kind: 'roll-back',
      reason: 'the p95 duration is 41 ms, that of the old version 20 ms: more than 1.5 times as long',
    })
    expect(decide({ maxP95Ratio: 1.5 }, { p95Ms: 30 }, early)).toMatchObject({ kind: 'hold' })
  })

  it('judges nothing before the least number of invocations is there', () => {
    const few = { invocations: 19, failures: 19, p95Ms: 9_999 }
    expect(decide({ maxErrorRate: 0, maxP95Ms: 1, maxP95Ratio: 1 }, few)).toMatchObject({ kind: 'hold' })
    expect(decide({ maxErrorRate: 0 }, { ...few, invocations: 20 })).toMatchObject({ kind: 'roll-back' })
  })

  it.each([
    // Of versions that fail as often as the bound allows, 18 % would show this; and 1.7 % this.
    [0.01, 1, 20, 'hold'],
    [0.01, 2, 20, 'roll-back'],
    [0.05, 3, 20, 'hold'],
    [0.05, 4, 20, 'roll-back'],
    [0.05, 9, 100, 'hold'],
    [0.05, 10, 100, 'roll-back'],
    // Enough is enough: ten times as many as were asked for.
    [0.05, 11, 200, 'roll-back'],
    [0.05, 10, 200, 'advance'],
    [0, 1, 20, 'roll-back'],
    [1, 20, 20, 'advance'],
  ])('with a bound of %d takes %i failures of %i as: %s', (maxErrorRate, failures, invocations, kind) => {
    expect(decide({ maxErrorRate }, { invocations, failures }).kind).toBe(kind)
  })

  it('says that it waits for more while few failures may be chance', () => {
    expect(decide({ maxErrorRate: 0.01 }, { invocations: 20, failures: 1 }).reason).toBe(
      'waiting for more: 1 of 20 attempts failed (5 %), the bound is 1 %',
    )
  })

  it('compares with the old version only where that runs', () => {
    const slow = { maxP95Ratio: 2 }
    const rare = { old: { invocations: 4, p95Ms: 1 } }
    expect(decide(slow, { invocations: 50 }, rare)).toEqual({
      kind: 'hold',
      reason: 'waiting for invocations of the old version: 4 of 20',
    })
    // All keys may belong to the new version: it is not waited for ever.
    expect(decide(slow, { invocations: 200 }, rare)).toMatchObject({ kind: 'advance' })
    expect(decide(slow, {}, { step: 2, old: { invocations: 0, p95Ms: undefined } })).toMatchObject({ kind: 'complete' })
    // Both are as fast as timers can tell.
    expect(decide(slow, { p95Ms: 0.9 }, { old: { p95Ms: 0.1 } })).toMatchObject({ kind: 'advance' })
  })

  it('does nothing to a rollout that has ended, and nothing early when the clock goes back', () => {
    for (const state of ['completed', 'rolled-back', 'aborted'] as const) {
      const decision = decideRollout({ ...rollout, state }, { new: healthy, old: healthy }, stepEndMs)
      expect(decision.kind).toBe('hold')
    }
    expect(decide({}, {}, { nowMs: rollout.stepSinceMs - 5_000 })).toMatchObject({ kind: 'hold' })
  })

  const performances = fc
    .record({
      invocations: fc.nat(2_000),
      failedShare: fc.double({ min: 0, max: 1, noNaN: true }),
      p95Ms: fc.double({ min: 0, max: 1_000, noNaN: true }),
    })
    .map(({ invocations, failedShare, p95Ms }) => ({
      invocations,
      failures: Math.round(invocations * failedShare),
      p95Ms: invocations === 0 ? undefined : p95Ms,
    }))
  const boundsOf = fc.record(
    {
      minInvocations: fc.nat(100),
      maxErrorRate: fc.double({ min: 0, max: 1, noNaN: true }),
      maxP95Ms: fc.double({ min: 0, max: 1_000, noNaN: true }),
      maxP95Ratio: fc.double({ min: 0.5, max: 5, noNaN: true }),
    },
    { requiredKeys: ['minInvocations'] },
  )
  const stepsOf = fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 5 }).map(steps => {
    return [...steps.toSorted((a, b) => a - b), 100]
  })

  it('never goes on past a broken bound', () => {
    fc.assert(
      fc.property(boundsOf, performances, performances, fc.nat(200_000), (bounds, fresh, old, passedMs) => {
        const decision = decideRollout({ ...rollout, bounds }, { new: fresh, old }, rollout.stepSinceMs + passedMs).kind
        if (decision !== 'advance') return
        expect(passedMs).toBeGreaterThanOrEqual(rollout.stepMs)
        expect(fresh.invocations).toBeGreaterThanOrEqual(bounds.minInvocations)
        if (fresh.invocations === 0) return
        expect(fresh.failures / fresh.invocations).toBeLessThanOrEqual(bounds.maxErrorRate ?? 1)
        expect(fresh.p95Ms).toBeLessThanOrEqual(bounds.maxP95Ms ?? Infinity)
        if (bounds.maxP95Ratio !== undefined && old.invocations >= Math.max(bounds.minInvocations, 1)) {
          const limitMs = Math.max((old.p95Ms as number) * bounds.maxP95Ratio, (old.p95Ms as number) + 1)
          expect(fresh.p95Ms).toBeLessThanOrEqual(limitMs)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('climbs the steps one by one and ends, whatever steady traffic does', () => {
    fc.assert(
      fc.property(
        stepsOf,
        boundsOf,
        fc.integer({ min: 1, max: 50 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.tuple(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 500 })),
        (steps, bounds, perSecond, errorRate, [newP95Ms, oldP95Ms]) => {
          let record: RolloutRecord = { ...rollout, steps, bounds, stepMs: 10_000 }
          let invocations = 0
          for (let nowMs = record.stepSinceMs; ; nowMs += 1_000) {
            const performance: StepPerformance = {
              new: { invocations, failures: Math.floor(invocations * errorRate), p95Ms: newP95Ms },
              old: { invocations: Math.floor(invocations / 7), failures: 0, p95Ms: oldP95Ms },
            }
            const decision = decideRollout(record, performance, nowMs)
            if (decision.kind === 'roll-back') return
            if (decision.kind === 'complete') return void expect(record.step).toBe(steps.length - 1)
            if (decision.kind === 'advance') {
              expect(decision.step).toBe(record.step + 1)
              expect(steps[decision.step]).toBeGreaterThan(steps[record.step] as number)
              record = { ...record, step: decision.step, stepSinceMs: nowMs }
              invocations = 0
            }
            invocations += perSecond
            // Ten times the least number at one a second, for every step.
            expect(nowMs).toBeLessThan(rollout.stepSinceMs + steps.length * 1_010_000)
          }
        },
      ),
    )
  })

  it('sends back at most one of twenty versions that are just as good as the bound asks for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 190 }), fc.integer({ min: 1, max: 50 }), (invocations, percent) => {
        const rate = percent / 100
        let rolledBack = 0
        let chance = (1 - rate) ** invocations
        for (let failures = 0; failures <= invocations; failures++) {
          const { kind } = decide({ maxErrorRate: rate }, { invocations, failures })
          if (kind === 'roll-back') rolledBack += chance
          chance *= ((invocations - failures) / (failures + 1)) * (rate / (1 - rate))
        }
        expect(rolledBack).toBeLessThanOrEqual(0.05)
      }),
    )
  })
})
