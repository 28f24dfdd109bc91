import type { CreateScaler, FunctionView, ScaledFunction } from './scaler.ts'

/**
 * Numaflow's autoscaling of a source vertex, as specified in its documentation (Specifications, Autoscaling; User Guide,
 * Autoscaling): the only formula of it that knows a rate and what is pending. For comparison in simulations only.
 */
export interface NumaflowOptions {
  /** Rates and pending counts are averages over this time. Default 120 s. */
  readonly lookbackS?: number
  /** Default 90 s. */
  readonly scaleUpCooldownS?: number
  /** Default 90 s. */
  readonly scaleDownCooldownS?: number
  /** At zero, a replica is started to have a look after this time. Default 120 s. */
  readonly zeroReplicaSleepS?: number
  /** Default 20 s. */
  readonly targetProcessingS?: number
  /** Default 2. */
  readonly replicasPerScale?: number
  /** How often a vertex is looked at; fixed in Numaflow. Default 30 s. */
  readonly taskIntervalS?: number
  /** Default 0. */
  readonly minReplicas?: number
}

interface Scaled {
  replicas: number
  lastScaledMs: number
  /** Undefined before the first look, which begins the intervals. */
  nextTaskMs: number | undefined
  /** Readings of the lookback time, oldest first. */
  readings: { readonly atMs: number; readonly completed: number; readonly pending: number }[]
}

export const createNumaflowScaler =
  (name: string, options: NumaflowOptions = {}): CreateScaler =>
  functions => {
    // It starts with a pod, as a deployed vertex does.
    const start = Math.max(1, options.minReplicas ?? 0)
    const scaled = functions.map((): Scaled => ({
      replicas: start,
      lastScaledMs: -Infinity,
      nextTaskMs: undefined,
      readings: [],
    }))
    return {
      name,
      intervalMs: 1_000,
      decide: views =>
        views.map((view, index) => {
          const own = scaled[index] as Scaled
          const reason = step(own, view, functions[index] as ScaledFunction, options)
          return { workers: own.replicas, reason }
        }),
    }
  }

function step(own: Scaled, view: FunctionView, { policy }: ScaledFunction, options: NumaflowOptions): string {
  const { nowMs, waiting, running } = view
  const lookbackMs = (options.lookbackS ?? 120) * 1000
  const completed = view.succeeded + view.failed
  if (waiting !== undefined) own.readings.push({ atMs: nowMs, completed, pending: waiting + running })
  own.readings = own.readings.filter(({ atMs }) => nowMs - atMs <= lookbackMs)
  const intervalMs = (options.taskIntervalS ?? 30) * 1000
  own.nextTaskMs ??= nowMs + intervalMs
  if (nowMs < own.nextTaskMs) return 'no look'
  own.nextTaskMs = nowMs + intervalMs
  const sinceScaledMs = nowMs - own.lastScaledMs
  const upMs = (options.scaleUpCooldownS ?? 90) * 1000
  const downMs = (options.scaleDownCooldownS ?? 90) * 1000
  if (sinceScaledMs < upMs && sinceScaledMs < downMs) return 'cooling down'
  if (own.replicas === 0) {
    if (sinceScaledMs < (options.zeroReplicaSleepS ?? 120) * 1000) return 'asleep'
    return scaleTo(own, 1, nowMs, 'peeks')
  }
  const first = own.readings[0]
  const last = own.readings.at(-1)
  if (waiting === undefined || first === undefined || last === undefined || first === last) return 'no metrics'
  const rate = ((last.completed - first.completed) / (last.atMs - first.atMs)) * 1000
  const pending = Math.round(own.readings.reduce((sum, reading) => sum + reading.pending, 0) / own.readings.length)
  const wanted = Math.min(
    Math.max(desired(own.replicas, rate, pending, options), options.minReplicas ?? 0),
    policy.maxWorkers,
  )
  const most = options.replicasPerScale ?? 2
  const why = `${pending} pending, ${rate.toFixed(0)}/s`
  if (wanted < own.replicas && sinceScaledMs >= downMs) {
    return scaleTo(own, own.replicas - Math.min(most, own.replicas - wanted), nowMs, why)
  }
  if (wanted > own.replicas && sinceScaledMs >= upMs) {
    return scaleTo(own, own.replicas + Math.min(most, wanted - own.replicas), nowMs, why)
  }
  return why
}

function desired(replicas: number, rate: number, pending: number, options: NumaflowOptions): number {
  if (pending === 0 && rate === 0) return 0
  if (pending === 0 || rate === 0) return 1
  const wanted = Math.round((pending / rate / (options.targetProcessingS ?? 20)) * replicas)
  return Math.max(1, Math.min(wanted, pending))
}

function scaleTo(own: Scaled, replicas: number, nowMs: number, why: string): string {
  own.replicas = replicas
  own.lastScaledMs = nowMs
  return why
}
