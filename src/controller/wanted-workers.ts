import type { ScalingPolicy } from '../functions/function-version.ts'
import { figure, seconds } from './figure.ts'
import type { ScalingSample } from './scaling-sample.ts'

/** What the load asks for, before anything is said about how fast to get there. */
export interface Wish {
  /** Workers, not rounded; 0 when there is nothing to do. At most what can help. */
  readonly need: number
  /** The part of it that lasts: for what arrives, without the backlog. */
  readonly lasting: number
  /** CPU that the load takes, in cores. */
  readonly cores: number
  /** What one worker is expected to do per second; undefined while the speed is not known. */
  readonly perWorkerPerS: number | undefined
  readonly why: string
}

/** Workers are planned to be busy for this share of the time, so that a burst finds some room. */
const targetUtilisation = 0.8

/** Above this share of CPU time a function computes: more threads than cores make it slower. */
const computingShare = 0.7

/** Handlers that one worker really runs at a time: waiting overlaps, computing does not. */
export function handlersAtATime(sample: ScalingSample): number {
  return Math.max(1, Math.min(sample.concurrency, 1 / cpuShareOf(sample)))
}

/**
 * Little's law for what arrives, at a utilisation that leaves room; and enough for that and the backlog within the time
 * it shall be gone in. Never more than can help: by runnable keys, and by cores for a function that computes.
 *
 * @param efficiency what workers were seen to do, as a share of what service time and concurrency promise.
 * @param isStarting workers are on their way; the backlog that grows until they are there is theirs already.
 */
export function wantedWorkers(
  sample: ScalingSample,
  policy: ScalingPolicy,
  efficiency: number,
  isStarting: boolean,
): Wish {
  const backlog = sample.backlog ?? 0
  const running = Math.max(sample.busy, sample.running ?? 0)
  if (backlog === 0 && running === 0 && sample.arrivalsPerS < 0.01) {
    return { need: 0, lasting: 0, cores: 0, perWorkerPerS: undefined, why: 'nothing waits' }
  }
  const { arrivalsPerS, serviceTimeMs } = sample
  if (serviceTimeMs === undefined) {
    return {
      need: 1,
      lasting: 1,
      cores: 1,
      perWorkerPerS: undefined,
      why: `${figure(backlog)} waiting, speed not known yet`,
    }
  }
  const serviceMs = Math.max(serviceTimeMs, 0.001)
  const atATime = handlersAtATime(sample)
  const perWorkerPerS = (1000 / serviceMs) * atATime * efficiency
  const { lagThreshold } = policy
  // No number of workers makes a backlog be gone before its calls have ended.
  const drainMs = Math.max(policy.targetDrainMs, 2 * serviceMs)
  const forArrivals = arrivalsPerS / perWorkerPerS / targetUtilisation
  const drainPerS = backlog / (drainMs / 1000)
  const forBacklog =
    lagThreshold === undefined ? (arrivalsPerS + drainPerS) / perWorkerPerS : backlog / Math.max(lagThreshold, 1)
  let need = Math.max(forArrivals, isStarting ? Math.min(forBacklog, sample.workers) : forBacklog)
  if (backlog > 0 || running > 0) need = Math.max(need, 0.01)
  const per = `${figure(perWorkerPerS)}/s per worker`
  let why =
    lagThreshold === undefined
      ? `${figure(backlog)} waiting + ${figure(arrivalsPerS)}/s ÷ ${per}, target ${seconds(drainMs)}`
      : `${figure(backlog)} waiting ÷ ${figure(lagThreshold)} per worker, ${figure(arrivalsPerS)}/s ÷ ${per}`
  const cpuPerCallMs = serviceMs * cpuShareOf(sample)
  const { maxConcurrency = Infinity, ratePerSecond = Infinity } = sample.calls ?? {}
  const callsPerS = Math.min(lagThreshold === undefined ? arrivalsPerS + drainPerS : arrivalsPerS, ratePerSecond)
  const cores = Math.min((callsPerS * cpuPerCallMs) / 1000, maxConcurrency * cpuShareOf(sample))
  const forCores = mostForCores(sample, efficiency)
  if (need > forCores) {
    need = forCores
    const because = forCores === sample.cores ? 'cores: the function computes' : 'workers: they keep the cores busy'
    why += `, held at ${figureOf(forCores)} ${because}`
  }
  const forRate = ratePerSecond / perWorkerPerS / targetUtilisation
  const forLimits = Math.min(forRate, maxConcurrency / atATime)
  if (need > forLimits) {
    need = forLimits
    const limit = forRate === forLimits ? `${figureOf(ratePerSecond)}/s` : `${maxConcurrency} at once`
    why += `, limited to ${limit}`
  }
  if (backlog > 0) {
    const keys = sample.runnableKeys + running
    // A frame ends with its slowest event, so keys spread over more workers than could hold them wait less.
    const forKeys = Math.max(1, Math.min(keys, Math.ceil(keys / (Math.max(1, atATime / 2) * efficiency))))
    if (need > forKeys) {
      need = forKeys
      why += `, held at ${figureOf(keys)} runnable keys`
    }
  }
  return { need, lasting: Math.min(forArrivals, need), cores, perWorkerPerS, why }
}

/** Cores that one worker keeps busy at full load, 0.001 to 1. */
export function coresPerWorker(sample: ScalingSample, efficiency: number): number {
  const share = cpuShareOf(sample)
  // What computes keeps its core busy; that it is slow while others compute, too, says nothing.
  const kept = share > computingShare ? 1 : efficiency
  return Math.max(0.001, Math.min(1, share * handlersAtATime(sample)) * kept)
}

/** More workers than keep the cores busy bring nothing. */
function mostForCores(sample: ScalingSample, efficiency: number): number {
  const isComputing = cpuShareOf(sample) > computingShare
  const fill = isComputing ? sample.cores : Math.ceil(sample.cores / coresPerWorker(sample, efficiency) - 0.1)
  // Beside others that compute, a larger share may take more threads than there are cores.
  return Math.max(sample.cores, fill, sample.limit?.workers ?? 0)
}

function cpuShareOf(sample: ScalingSample): number {
  const share = sample.cpuShare ?? 1
  return share >= 0 ? Math.min(Math.max(share, 0.0001), 1) : 1
}

/** Whole numbers as they are. */
function figureOf(value: number): string {
  return Number.isInteger(value) ? String(value) : figure(value)
}
