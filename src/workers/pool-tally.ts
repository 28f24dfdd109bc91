import type { ChunkSummary } from './outcome-receiver.ts'

const serviceSmoothing = 0.02
const cpuSmoothing = 0.1
/** Per reading. */
const recentMemory = 0.98

/** What a pool counts of its outcomes, while they are settled. A worker can answer anything, so nothing is just added. */
export class PoolTally {
  succeeded = 0
  failed = 0
  /** Smoothed handler time of one event. */
  serviceTimeMs: number | undefined
  /** Smoothed share of CPU time in the time that frames run, 0 to 1. */
  cpuShare: number | undefined
  /** The same of the time in which the event loop was not idle. */
  loopShare: number | undefined
  /** Of late: handler time, and time in which the event loop was not idle. */
  recentHandlerMs = 0
  recentActiveMs = 0
  cpuMs = 0
  handlerMs = 0

  get figures(): Pick<PoolTally, 'serviceTimeMs' | 'succeeded' | 'failed' | 'cpuShare' | 'cpuMs' | 'handlerMs'> {
    const { serviceTimeMs, succeeded, failed, cpuShare, cpuMs, handlerMs } = this
    return { serviceTimeMs, succeeded, failed, cpuShare, cpuMs, handlerMs }
  }

  ended(durationMs: number): void {
    if (!(durationMs >= 0)) return
    const { serviceTimeMs } = this
    this.serviceTimeMs =
      serviceTimeMs === undefined ? durationMs : serviceTimeMs + (durationMs - serviceTimeMs) * serviceSmoothing
  }

  told({ cpuMs, busyMs, activeMs, handlerMs }: ChunkSummary): void {
    this.used(cpuMs, handlerMs)
    if (isDuration(handlerMs)) this.recentHandlerMs += handlerMs
    if (!(busyMs > 0)) return
    this.cpuShare = smoothed(this.cpuShare, cpuMs / busyMs)
    this.loopShare = smoothed(this.loopShare, activeMs / busyMs)
    this.recentHandlerMs *= recentMemory
    this.recentActiveMs = (this.recentActiveMs + (isDuration(activeMs) ? activeMs : 0)) * recentMemory
  }

  used(cpuMs: number, handlerMs: number): void {
    if (isDuration(cpuMs)) this.cpuMs += cpuMs
    if (isDuration(handlerMs)) this.handlerMs += handlerMs
  }
}

function smoothed(mean: number | undefined, share: number): number | undefined {
  const bounded = Math.min(1, Math.max(0, share))
  if (!Number.isFinite(bounded)) return mean
  return mean === undefined ? bounded : mean + (bounded - mean) * cpuSmoothing
}

function isDuration(ms: number): boolean {
  return ms > 0 && ms < Infinity
}
