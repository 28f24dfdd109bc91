import type { ChunkSummary } from './result-codec.ts'

const serviceSmoothing = 0.02
/** A reading over so much handler time counts as half of what is known: the more it covers, the more it says. */
const cpuHalfMs = 50

/** What a pool counts of its outcomes, while they are settled. A worker can answer anything, so nothing is just added. */
export class PoolTally {
  succeeded = 0
  failed = 0
  /** Smoothed handler time of one event. */
  serviceTimeMs: number | undefined
  /** Smoothed share of CPU time in handler time, 0 to 1; the time of handlers that wait side by side adds up. */
  cpuShare: number | undefined
  cpuMs = 0
  handlerMs = 0
  /** Handler time since the last reading of the CPU. */
  #unreadMs = 0

  ended(durationMs: number): void {
    if (!(durationMs >= 0)) return
    const { serviceTimeMs } = this
    this.serviceTimeMs =
      serviceTimeMs === undefined ? durationMs : serviceTimeMs + (durationMs - serviceTimeMs) * serviceSmoothing
  }

  told({ cpuMs, busyMs, handlerMs }: ChunkSummary): void {
    this.used(cpuMs, handlerMs)
    if (isDuration(handlerMs)) this.#unreadMs += handlerMs
    if (!(busyMs > 0)) return
    const coveredMs = Math.max(this.#unreadMs, busyMs)
    this.#smoothCpu(cpuMs / coveredMs, coveredMs / (coveredMs + cpuHalfMs))
    this.#unreadMs = 0
  }

  used(cpuMs: number, handlerMs: number): void {
    if (isDuration(cpuMs)) this.cpuMs += cpuMs
    if (isDuration(handlerMs)) this.handlerMs += handlerMs
  }

  #smoothCpu(share: number, weight: number): void {
    const bounded = Math.min(1, Math.max(0, share))
    if (!Number.isFinite(bounded)) return
    this.cpuShare = this.cpuShare === undefined ? bounded : this.cpuShare + (bounded - this.cpuShare) * weight
  }
}

function isDuration(ms: number): boolean {
  return ms > 0 && ms < Infinity
}
