import type { RolloutRecord } from './registry-records.ts'

/** What a version, or several together, did since the step began. */
export interface VersionPerformance {
  /** Attempts that ended. */
  readonly invocations: number
  /** Those that failed. */
  readonly failures: number
  /** 95th percentile of the duration; undefined without an invocation. */
  readonly p95Ms: number | undefined
}

export interface StepPerformance {
  /** The version that the alias moves to. */
  readonly new: VersionPerformance
  /** The versions that it moves away from. */
  readonly old: VersionPerformance
}

export type RolloutDecision =
  /** The step stays; `reason` says what it waits for. */
  | { readonly kind: 'hold'; readonly reason: string }
  /** `step` is the index of the next one. */
  | { readonly kind: 'advance'; readonly step: number; readonly reason: string }
  | { readonly kind: 'complete'; readonly reason: string }
  | { readonly kind: 'roll-back'; readonly reason: string }

/** How improbable the failures must be under the bound before a few invocations speak against a version. */
const significance = 0.05

/** After this many times `minInvocations` doubt ends: what was measured counts as it is. */
const certainAfter = 10

/** Durations that differ by less are alike, whatever their ratio: it is the noise of timers. */
const leastDifferenceMs = 1

/** What the figures say of one bound. */
type Verdict =
  | { readonly kind: 'kept' }
  | { readonly kind: 'unclear'; readonly reason: string }
  | { readonly kind: 'broken'; readonly reason: string }

const kept: Verdict = { kind: 'kept' }

/**
 * What follows for a running rollout. Called again and again: nothing but its arguments counts.
 *
 * A bound is looked at once `minInvocations` of the new version are there, and a broken one rolls back at once. A step
 * ends after `stepMs` and never before `minInvocations`: an alias that gets no events stays where it is, because nothing
 * is known about the new version then.
 *
 * One failure of twenty is 5 %, and means little: an error rate above its bound counts as broken when a version at the
 * bound would fail so often in less than one of twenty such samples, or when ten times `minInvocations` are there; until
 * then the step waits for more. The comparison with the old versions needs `minInvocations` of them too, waits for them
 * equally long, and is left out where they get no events any more: in the last step.
 */
export function decideRollout(rollout: RolloutRecord, performance: StepPerformance, nowMs: number): RolloutDecision {
  if (rollout.state !== 'running') return { kind: 'hold', reason: `the rollout is ${rollout.state}` }
  const { steps, step, bounds } = rollout
  const { invocations } = performance.new
  const needed = Math.max(bounds.minInvocations, 1)
  if (invocations >= needed) {
    const verdicts = [errorRate(rollout, performance), duration(rollout, performance), ratio(rollout, performance)]
    const broken = verdicts.find(({ kind }) => kind === 'broken') as { reason: string } | undefined
    if (broken !== undefined) return { kind: 'roll-back', reason: broken.reason }
    const unclear = verdicts.find(({ kind }) => kind === 'unclear') as { reason: string } | undefined
    if (unclear !== undefined) return { kind: 'hold', reason: unclear.reason }
  }
  if (invocations < bounds.minInvocations) {
    return { kind: 'hold', reason: `waiting for invocations: ${invocations} of ${bounds.minInvocations}` }
  }
  const leftMs = rollout.stepSinceMs + rollout.stepMs - nowMs
  if (leftMs > 0) return { kind: 'hold', reason: `${percentOf(rollout)} for another ${seconds(leftMs)}` }
  const seen = `${percentOf(rollout)} held for ${seconds(nowMs - rollout.stepSinceMs)}, ${summary(performance.new)}`
  const next = steps[step + 1]
  if (next === undefined) return { kind: 'complete', reason: seen }
  return { kind: 'advance', step: step + 1, reason: `${seen}; now ${next} %` }
}

function errorRate({ bounds }: RolloutRecord, { new: fresh }: StepPerformance): Verdict {
  const { maxErrorRate } = bounds
  const { invocations, failures } = fresh
  if (maxErrorRate === undefined || failures / invocations <= maxErrorRate) return kept
  const facts = `${failures} of ${invocations} attempts failed (${percent(failures / invocations)}), the bound is ${percent(maxErrorRate)}`
  const isClear = isEnough(invocations, bounds) || chanceOf(failures, invocations, maxErrorRate) < significance
  return isClear ? { kind: 'broken', reason: facts } : { kind: 'unclear', reason: `waiting for more: ${facts}` }
}

function duration({ bounds }: RolloutRecord, { new: fresh }: StepPerformance): Verdict {
  const { maxP95Ms } = bounds
  const { p95Ms } = fresh
  if (maxP95Ms === undefined || p95Ms === undefined || p95Ms <= maxP95Ms) return kept
  return { kind: 'broken', reason: `the p95 duration is ${ms(p95Ms)}, the bound is ${ms(maxP95Ms)}` }
}

function ratio({ bounds, steps, step }: RolloutRecord, { new: fresh, old }: StepPerformance): Verdict {
  const { maxP95Ratio, minInvocations } = bounds
  if (maxP95Ratio === undefined || fresh.p95Ms === undefined) return kept
  if (old.p95Ms === undefined || old.invocations < minInvocations) {
    if ((steps[step] ?? 100) >= 100 || isEnough(fresh.invocations, bounds)) return kept
    const reason = `waiting for invocations of the old version: ${old.invocations} of ${minInvocations}`
    return { kind: 'unclear', reason }
  }
  const isWorse = fresh.p95Ms > old.p95Ms * maxP95Ratio && fresh.p95Ms - old.p95Ms >= leastDifferenceMs
  if (!isWorse) return kept
  const facts = `${ms(fresh.p95Ms)}, that of the old version ${ms(old.p95Ms)}`
  return { kind: 'broken', reason: `the p95 duration is ${facts}: more than ${maxP95Ratio} times as long` }
}

const isEnough = (invocations: number, { minInvocations }: RolloutRecord['bounds']): boolean =>
  invocations >= certainAfter * Math.max(minInvocations, 1)

/** The probability of `failures` or more in `trials` at the given rate: 1 minus the lower part of the binomial sum. */
function chanceOf(failures: number, trials: number, rate: number): number {
  if (rate <= 0) return failures > 0 ? 0 : 1
  if (rate >= 1) return 1
  // In logarithms: (1 − rate)^trials is 0 as a number long before its sum is.
  let logTerm = trials * Math.log1p(-rate)
  let below = 0
  for (let count = 0; count < failures; count++) {
    below += Math.exp(logTerm)
    logTerm += Math.log(((trials - count) / (count + 1)) * (rate / (1 - rate)))
  }
  return Math.max(0, 1 - below)
}

const percent = (share: number): string => `${Number((share * 100).toFixed(1))} %`
const percentOf = ({ steps, step }: RolloutRecord): string => `${steps[step] ?? 100} %`
const seconds = (timeMs: number): string => `${Math.ceil(timeMs / 1000)} s`
const ms = (timeMs: number): string => `${Number(timeMs.toPrecision(3))} ms`

function summary({ invocations, failures }: VersionPerformance): string {
  return invocations === 0 ? 'no attempts' : `${failures} of ${invocations} attempts failed`
}
