import type { ChunkSummary } from './outcome-receiver.ts'

const serviceSmoothing = 0.02
const cpuSmoothing = 0.1

/** What a pool counts of its outcomes, while they are settled. A worker can answer anything, so nothing is just added. */
export class PoolTally {
  succeeded = 0
  failed = 0
  /** Smoothed handler time of one event. */
  serviceTimeMs: number | undefined
  /** Smoothed share of CPU time in the time that frames run, 0 to 1. */
  cpuShare: number | undefined
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

  told({ cpuMs, busyMs, handlerMs }: ChunkSummary): void {
    this.used(cpuMs, handlerMs)
    if (busyMs > 0) this.#smoothCpu(cpuMs / busyMs)
  }

  used(cpuMs: number, handlerMs: number): void {
    if (isDuration(cpuMs)) this.cpuMs += cpuMs
    if (isDuration(handlerMs)) this.handlerMs += handlerMs
  }

  #smoothCpu(share: number): void {
    const bounded = Math.min(1, Math.max(0, share))
    if (!Number.isFinite(bounded)) return
    this.cpuShare = this.cpuShare === undefined ? bounded : this.cpuShare + (bounded - this.cpuShare) * cpuSmoothing
  }
}

function isDuration(ms: number): boolean {
  return ms > 0 && ms < Infinity
}
