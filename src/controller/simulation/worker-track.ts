import type { ChangeSummary } from './simulation-result.ts'

interface Step {
  readonly atMs: number
  readonly workers: number
}

const settledBand = 0.1
const settledForMs = 30_000

/** The number of started workers over time, as steps. */
export class WorkerTrack {
  readonly #steps: Step[] = [{ atMs: 0, workers: 0 }]

  note(atMs: number, workers: number): void {
    const last = this.#steps.at(-1) as Step
    if (last.workers === workers) return
    if (last.atMs === atMs) this.#steps.pop()
    this.#steps.push({ atMs, workers })
  }

  /** The answer to a change of the load at `fromMs`; `untilMs` is the next change, or the end. */
  answer(fromMs: number, untilMs: number): ChangeSummary | undefined {
    const before = this.#at(fromMs)
    const settled = this.#median((fromMs + untilMs) / 2, untilMs)
    if (before === settled) return undefined
    const steps = this.#steps.filter(({ atMs }) => atMs > fromMs && atMs <= untilMs)
    const isAnswer = ({ workers }: Step): boolean => (settled > before ? workers > before : workers < before)
    const reaction = steps.find(isAnswer)
    const peak = Math.max(settled, ...steps.map(({ workers }) => workers))
    return {
      before,
      settled,
      reactionMs: reaction === undefined ? undefined : reaction.atMs - fromMs,
      settledMs: this.#settledMs(fromMs, untilMs, settled),
      overshoot: settled > before && settled > 0 ? peak / settled - 1 : 0,
    }
  }

  #settledMs(fromMs: number, untilMs: number, settled: number): number | undefined {
    const steps = [
      { atMs: fromMs, workers: this.#at(fromMs) },
      ...this.#steps.filter(({ atMs }) => atMs > fromMs && atMs <= untilMs),
    ]
    let sinceMs: number | undefined
    for (const { atMs, workers } of steps) {
      if (sinceMs !== undefined && atMs - sinceMs >= settledForMs) break
      const isNear = Math.abs(workers - settled) <= settled * settledBand
      sinceMs = isNear ? (sinceMs ?? atMs) : undefined
    }
    return sinceMs === undefined ? undefined : sinceMs - fromMs
  }

  #at(timeMs: number): number {
    return this.#steps.findLast(({ atMs }) => atMs <= timeMs)?.workers ?? 0
  }

  /** Weighted by time. */
  #median(fromMs: number, untilMs: number): number {
    const spans = new Map<number, number>()
    for (const [index, { atMs, workers }] of this.#steps.entries()) {
      const spanMs = Math.min(this.#steps[index + 1]?.atMs ?? untilMs, untilMs) - Math.max(atMs, fromMs)
      if (spanMs > 0) spans.set(workers, (spans.get(workers) ?? 0) + spanMs)
    }
    let left = (untilMs - fromMs) / 2
    for (const [workers, spanMs] of [...spans].sort(([a], [b]) => a - b)) {
      left -= spanMs
      if (left <= 0) return workers
    }
    return this.#at(untilMs)
  }
}
