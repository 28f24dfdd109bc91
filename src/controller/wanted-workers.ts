import type { ScalingPolicy } from '../functions/function-version.ts'
import { figure, seconds } from './figure.ts'
import type { ScalingSample } from './scaling-sample.ts'

/** What the load asks for, before anything is said about how fast to get there. */
export interface Wish {
  /** Workers, not rounded; 0 when there is nothing to do. At most what can help. */
  readonly need: number
  /** CPU that the load takes, in cores. */
  readonly cores: number
  /** What one worker is expected to do per second; undefined while the speed is not known. */
  readonly perWorkerPerS: number | undefined
  readonly why: string
}

/** Workers are planned to be busy for this share of the time, so that a burst finds some room. */
const targetUtilisation = 0.8

/** Workers that keep more than this of a core busy compute: more threads than cores make them slower. */
const computingCores = 0.7

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
    return { need: 0, cores: 0, perWorkerPerS: undefined, why: 'nothing waits' }
  }
  const { arrivalsPerS, serviceTimeMs } = sample
  if (serviceTimeMs === undefined) {
    return { need: 1, cores: 1, perWorkerPerS: undefined, why: `${figure(backlog)} waiting, speed not known yet` }
  }
  const serviceMs = Math.max(serviceTimeMs, 0.001)
  const atATime = handlersAtATime(sample)
  const perWorkerPerS = (1000 / serviceMs) * atATime * efficiency
  const { targetDrainMs, lagThreshold } = policy
  const forArrivals = arrivalsPerS / perWorkerPerS / targetUtilisation
  const drainPerS = backlog / (targetDrainMs / 1000)
  const forBacklog =
    lagThreshold === undefined ? (arrivalsPerS + drainPerS) / perWorkerPerS : backlog / Math.max(lagThreshold, 1)
  let need = Math.max(forArrivals, isStarting ? Math.min(forBacklog, sample.workers) : forBacklog)
  if (backlog > 0 || running > 0) need = Math.max(need, 0.01)
  const per = `${figure(perWorkerPerS)}/s per worker`
  let why =
    lagThreshold === undefined
      ? `${figure(backlog)} waiting + ${figure(arrivalsPerS)}/s ÷ ${per}, target ${seconds(targetDrainMs)}`
      : `${figure(backlog)} waiting ÷ ${figure(lagThreshold)} per worker, ${figure(arrivalsPerS)}/s ÷ ${per}`
  const cpuPerCallS = (serviceMs / 1000) * cpuShareOf(sample)
  const cores = (lagThreshold === undefined ? arrivalsPerS + drainPerS : arrivalsPerS) * cpuPerCallS
  if (coresPerWorker(sample) > computingCores) {
    // Beside others that compute, a larger share may take more threads than there are cores.
    const most = Math.max(sample.cores, sample.limit?.workers ?? 0)
    if (need > most) {
      need = most
      why += `, held at ${figureOf(most)} ${most === sample.cores ? 'cores' : 'workers'}: the function computes`
    }
  }
  if (backlog > 0) {
    const keys = sample.runnableKeys + running
    // A frame ends with its slowest event, so keys spread over more workers than could hold them wait less.
    const most = Math.max(1, Math.ceil(keys / (Math.max(1, atATime / 2) * efficiency)))
    if (need > most) {
      need = most
      why += `, held at ${figureOf(keys)} runnable keys`
    }
  }
  return { need, cores, perWorkerPerS, why }
}

/** Cores that one busy worker can take, 0.01 to 1. */
export function coresPerWorker(sample: ScalingSample): number {
  return Math.min(1, cpuShareOf(sample) * handlersAtATime(sample))
}

function cpuShareOf(sample: ScalingSample): number {
  const share = sample.cpuShare ?? 1
  return share >= 0 ? Math.min(Math.max(share, 0.01), 1) : 1
}

/** Whole numbers as they are. */
function figureOf(value: number): string {
  return Number.isInteger(value) ? String(value) : figure(value)
}
