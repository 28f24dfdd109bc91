import type { CreateScaler, FunctionView, ScaledFunction } from './scaler.ts'

/**
 * KEDA with its kafka scaler and the HPA that it makes, as documented: keda.sh/docs (ScaledObject, Apache Kafka) and
 * kubernetes.io (Horizontal Pod Autoscaling). For comparison in simulations only.
 */
export interface KedaOptions {
  /** Default 10, of the kafka scaler. */
  readonly lagThreshold?: number
  /** Default 0. */
  readonly activationLagThreshold?: number
  /** How often KEDA itself looks, for 0↔1. Default 30 s. */
  readonly pollingIntervalS?: number
  /** Until the last worker goes, after the lag was last above activation. Default 300 s. */
  readonly cooldownPeriodS?: number
  /** A flag of the cluster's controller manager, not of an autoscaler. Default 15 s. */
  readonly syncPeriodS?: number
  /** Default 0.1. */
  readonly tolerance?: number
  /** Default 300 s. */
  readonly scaleDownStabilisationS?: number
  /** Default 0. */
  readonly minReplicas?: number
  /** Consumers beyond the number of partitions idle, so that KEDA makes no more. Default: as many as `maxWorkers`. */
  readonly partitions?: number
}

interface Scaled {
  replicas: number
  lastActiveMs: number
  nextPollMs: number
  nextSyncMs: number
  recommendations: { readonly atMs: number; readonly replicas: number }[]
  /** Growth of the last 15 s, which the default policy bounds. */
  grown: { readonly atMs: number; readonly by: number }[]
}

const hpaPolicyMs = 15_000

export const createKedaScaler =
  (name: string, options: KedaOptions = {}): CreateScaler =>
  functions => {
    const scaled = functions.map((): Scaled => ({
      replicas: options.minReplicas ?? 0,
      lastActiveMs: 0,
      nextPollMs: 0,
      nextSyncMs: 0,
      recommendations: [],
      grown: [],
    }))
    const intervalMs = 1000 * Math.min(1, options.pollingIntervalS ?? 30, options.syncPeriodS ?? 15)
    return {
      name,
      intervalMs,
      decide: views =>
        views.map((view, index) => {
          const own = scaled[index] as Scaled
          const reason = step(own, view, functions[index] as ScaledFunction, options)
          return { workers: own.replicas, reason }
        }),
    }
  }

function step(own: Scaled, view: FunctionView, { policy }: ScaledFunction, options: KedaOptions): string {
  const { nowMs, waiting, running } = view
  const { lagThreshold = 10, activationLagThreshold = 0, minReplicas = 0 } = options
  // Kafka's lag counts what is not committed.
  const lag = waiting === undefined ? undefined : waiting + running
  let reason = 'no look'
  if (nowMs >= own.nextPollMs) {
    own.nextPollMs = nowMs + (options.pollingIntervalS ?? 30) * 1000
    const isActive = lag !== undefined && lag > activationLagThreshold
    if (isActive) own.lastActiveMs = nowMs
    if (isActive && own.replicas === 0) {
      own.replicas = Math.max(1, minReplicas)
      reason = `activated: lag ${lag}`
    } else if (
      own.replicas > minReplicas &&
      !isActive &&
      nowMs - own.lastActiveMs >= (options.cooldownPeriodS ?? 300) * 1000
    ) {
      own.replicas = minReplicas
      own.recommendations = []
      reason = 'cooled down'
    }
  }
  if (nowMs < own.nextSyncMs) return reason
  own.nextSyncMs = nowMs + (options.syncPeriodS ?? 15) * 1000
  // An HPA is off at zero, and does nothing without a metric.
  if (own.replicas === 0 || lag === undefined) return reason
  const partitions = options.partitions ?? policy.maxWorkers
  const metric = Math.min(lag, partitions * lagThreshold)
  const ratio = metric / (lagThreshold * own.replicas)
  const isNear = Math.abs(ratio - 1) <= (options.tolerance ?? 0.1)
  const proposed = isNear ? own.replicas : Math.ceil(metric / lagThreshold)
  const wanted = Math.min(Math.max(proposed, 1, minReplicas), policy.maxWorkers)
  const windowMs = (options.scaleDownStabilisationS ?? 300) * 1000
  own.recommendations = [
    ...own.recommendations.filter(({ atMs }) => nowMs - atMs < windowMs),
    { atMs: nowMs, replicas: wanted },
  ]
  const stabilised =
    wanted < own.replicas
      ? Math.min(own.replicas, Math.max(...own.recommendations.map(({ replicas }) => replicas)))
      : wanted
  own.replicas = withinPolicy(own, stabilised, nowMs)
  return `${metric} lag ÷ ${lagThreshold}`
}

/** At most doubled, or four more, within 15 s. */
function withinPolicy(own: Scaled, wanted: number, nowMs: number): number {
  if (wanted <= own.replicas) return wanted
  own.grown = own.grown.filter(({ atMs }) => nowMs - atMs < hpaPolicyMs)
  const before = own.replicas - own.grown.reduce((sum, { by }) => sum + by, 0)
  const most = Math.max(before * 2, before + 4)
  const replicas = Math.max(own.replicas, Math.min(wanted, most))
  own.grown.push({ atMs: nowMs, by: replicas - own.replicas })
  return replicas
}
