/** A reading is a system call; one for every short frame would be a percent of it. */
const readIntervalMs = 5

const { threadCpuUsage } = process

export interface CpuReading {
  /** CPU time of this thread since the last reading, whatever it was spent on. */
  readonly cpuMs: number
  /** How long frames ran since then. */
  readonly busyMs: number
}

/** Measures the CPU time that the frames of a worker take, without looking at every one. */
export class CpuMeter {
  #cpuMicros = cpuMicros()
  #readAt = -Infinity
  #busyMs = 0

  /** Reads when a frame ends, unless that was done just before; what is not read now is in the next reading. */
  frameEnded(durationMs: number, nowMs: number): CpuReading | undefined {
    this.#busyMs += durationMs
    if (nowMs - this.#readAt < readIntervalMs) return undefined
    this.#readAt = nowMs
    const micros = cpuMicros()
    const reading = { cpuMs: (micros - this.#cpuMicros) / 1000, busyMs: this.#busyMs }
    this.#cpuMicros = micros
    this.#busyMs = 0
    return reading
  }
}

function cpuMicros(): number {
  const { user, system } = threadCpuUsage()
  return user + system
}
