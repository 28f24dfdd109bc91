/** A reading is a system call; one for every short frame would be a percent of it. */
const readIntervalMs = 5

const { threadCpuUsage } = process
const loopUtilization = performance.eventLoopUtilization.bind(performance)

export interface CpuReading {
  /** CPU time of this thread since the last reading, whatever it was spent on. */
  readonly cpuMs: number
  /** How long at least one frame ran since then. */
  readonly busyMs: number
  /** How long the event loop was not idle: it computed, wanted to and got no core, or was blocked. */
  readonly activeMs: number
}

export const noReading: CpuReading = { cpuMs: 0, busyMs: 0, activeMs: 0 }

/** Measures the CPU time that the frames of a worker take, without looking at every one. */
export class CpuMeter {
  #cpuMicros = cpuMicros()
  #readAt = -Infinity
  #busyMs = 0
  #activeMs = loopUtilization().active
  /** Frames that run now, and up to when their time is counted. */
  #frames = 0
  #countedTo = 0

  frameBegan(nowMs: number): void {
    if (this.#frames++ === 0) this.#countedTo = nowMs
  }

  /** Reads when a frame ends, unless that was done just before; what is not read now is in the next reading. */
  frameEnded(nowMs: number): CpuReading | undefined {
    this.#frames--
    this.#busyMs += nowMs - this.#countedTo
    this.#countedTo = nowMs
    if (nowMs - this.#readAt < readIntervalMs) return undefined
    this.#readAt = nowMs
    const micros = cpuMicros()
    const { active } = loopUtilization()
    const cpuMs = (micros - this.#cpuMicros) / 1000
    const reading = { cpuMs, busyMs: this.#busyMs, activeMs: active - this.#activeMs }
    this.#cpuMicros = micros
    this.#activeMs = active
    this.#busyMs = 0
    return reading
  }
}

function cpuMicros(): number {
  const { user, system } = threadCpuUsage()
  return user + system
}
