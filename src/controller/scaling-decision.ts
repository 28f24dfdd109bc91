import type { ScalingPolicy } from '../functions/function-version.ts'

/** What the controller sees of one function version at one moment. */
export interface ScalingSample {
  /** Monotonic time in ms. */
  readonly nowMs: number
  readonly workers: number
  /** Frames in progress. */
  readonly busy: number
  /**
   * Events that wait for the version and could run: the lag of its triggers, without paused, parked and backing-off
   * events. Undefined when a lag could not be read: then nothing shrinks.
   */
  readonly backlog: number | undefined
  /** Different keys among the events in memory that could start now. */
  readonly runnableKeys: number
  /** Smoothed arrivals per second. */
  readonly arrivalsPerS: number
  readonly serviceTimeMs: number | undefined
  /** Share of CPU time in the handler time, 0 to 1; undefined counts as 1. */
  readonly cpuShare: number | undefined
  /** Asynchronous handlers per worker. */
  readonly concurrency: number
  readonly cores: number
}

/** Memory of the decider between ticks; a new version starts with {@link initialScalingState}. */
export interface ScalingState {
  /** Recent wishes for fewer workers: shrinking follows the largest of them. */
  readonly recent: readonly { readonly atMs: number; readonly desired: number }[]
  readonly idleSinceMs: number | undefined
}

export interface ScalingDecision {
  readonly desired: number
  /** One sentence with the numbers behind it. */
  readonly reason: string
  readonly state: ScalingState
}

export const initialScalingState: ScalingState = { recent: [], idleSinceMs: undefined }

/** Workers are planned to be busy for this share of the time, so that a burst finds some room. */
const targetUtilisation = 0.8

/** Shrinking follows the largest wish of this window: up at once, down slowly. */
const stabilisationMs = 15_000

/** At most doubled per tick: a wrong service time must not start a hundred threads. */
const growthFactor = 2

/**
 * How many workers a version should have. Little's law for the arrivals, plus the backlog spread over the time it
 * shall be gone in, divided by what one worker does at a time; never more than can help: one worker per runnable key,
 * and one per core for functions that compute.
 */
export function decideWorkers(sample: ScalingSample, policy: ScalingPolicy, state: ScalingState): ScalingDecision {
  const { workers, backlog, nowMs } = sample
  const bounded = (count: number): number => Math.min(Math.max(count, policy.minWorkers), policy.maxWorkers)
  if (backlog === undefined) {
    return { desired: bounded(workers), reason: `hold at ${workers}: the lag is unknown`, state }
  }
  const idle = backlog === 0 && sample.busy === 0 && sample.arrivalsPerS < 0.01
  const idleSinceMs = idle ? (state.idleSinceMs ?? nowMs) : undefined
  const wish = wishFor(sample, policy)
  const recent = [
    ...state.recent.filter(({ atMs }) => nowMs - atMs < stabilisationMs),
    { atMs: nowMs, desired: wish.desired },
  ]
  const next: ScalingState = { recent, idleSinceMs }

  if (wish.desired > workers) {
    const desired = bounded(Math.min(wish.desired, Math.max(workers, 1) * growthFactor))
    return {
      desired,
      reason: desired === workers ? `${workers}, the maximum: ${wish.why}` : `${workers}→${desired}: ${wish.why}`,
      state: next,
    }
  }
  if (idleSinceMs !== undefined && nowMs - idleSinceMs >= policy.scaleToZeroAfterMs && workers > policy.minWorkers) {
    const seconds = Math.round((nowMs - idleSinceMs) / 1000)
    return { desired: bounded(0), reason: `${workers}→${bounded(0)}: nothing to do for ${seconds} s`, state: next }
  }
  // The last worker goes only after the idle time, so the floor of a shrink is one.
  const desired = bounded(Math.max(1, Math.min(workers, ...[Math.max(...recent.map(entry => entry.desired))])))
  if (workers === 0) return { desired: bounded(0), reason: 'no worker, nothing waits', state: next }
  if (desired < workers)
    return { desired, reason: `${workers}→${desired}: ${wish.why}, for ${stabilisationMs / 1000} s`, state: next }
  return { desired: bounded(workers), reason: `${workers} stay: ${wish.why}`, state: next }
}

function wishFor(sample: ScalingSample, policy: ScalingPolicy): { desired: number; why: string } {
  const backlog = sample.backlog ?? 0
  const { arrivalsPerS, serviceTimeMs } = sample
  if (serviceTimeMs === undefined) {
    return backlog > 0 || sample.busy > 0
      ? { desired: 1, why: `${count(backlog)} waiting, speed not known yet` }
      : { desired: 0, why: 'nothing waits' }
  }
  if (backlog === 0 && arrivalsPerS < 0.01 && sample.busy === 0) return { desired: 0, why: 'nothing waits' }
  const cpuShare = Math.min(Math.max(sample.cpuShare ?? 1, 0.01), 1)
  const atATime = Math.max(1, Math.min(sample.concurrency, 1 / cpuShare))
  const perWorkerPerS = (1000 / Math.max(serviceTimeMs, 0.001)) * atATime
  const neededPerS = arrivalsPerS + backlog / (policy.targetDrainMs / 1000)
  let desired = Math.max(1, Math.ceil(neededPerS / perWorkerPerS / targetUtilisation))
  let why = `${count(backlog)} waiting + ${count(arrivalsPerS)}/s ÷ ${count(perWorkerPerS)}/s per worker, target ${policy.targetDrainMs / 1000} s`
  if (cpuShare > 0.7 && desired > sample.cores) {
    desired = sample.cores
    why += `, held at ${sample.cores} cores: the function computes`
  }
  const keys = sample.runnableKeys + sample.busy
  if (desired > keys && keys > 0) {
    desired = keys
    why += `, held at ${keys} runnable keys`
  }
  return { desired, why }
}

function count(value: number): string {
  return value >= 10 ? Math.round(value).toLocaleString('en-US') : value.toFixed(1)
}
