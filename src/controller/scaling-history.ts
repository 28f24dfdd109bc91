import type { ScalingSample } from './scaling-sample.ts'

/** What a decision was made of. */
export interface ScalingInputs {
  /** Events that waited and could run; undefined: not known. */
  readonly waiting: number | undefined
  readonly arrivalsPerS: number
  readonly completedPerS: number
  readonly runnableKeys: number
  /** Workers that had started. */
  readonly ready: number
  /** Frames in progress. */
  readonly busy: number
  /** Events in handlers. */
  readonly running: number
  readonly concurrency: number
  readonly serviceTimeMs: number | undefined
  /** Share of CPU time in the handler time, 0 to 1. */
  readonly cpuShare: number | undefined
  /** Share of failures among the latest attempts, 0 to 1. */
  readonly failureShare: number | undefined
  /** Most workers that other versions leave, and why. */
  readonly limit: ScalingSample['limit']
}

/** A decision that changed the number of workers, kept to be shown. */
export interface ScalingEvent {
  readonly atMs: number
  readonly function: string
  readonly version: string
  readonly from: number
  readonly to: number
  /** One sentence with the numbers behind it. */
  readonly reason: string
  /** Absent: it was made without a sample, on the dispatch path or at the start. */
  readonly inputs?: ScalingInputs
}

/** One version at one moment, for a chart of workers and lag over time. */
export interface ScalingPoint {
  readonly atMs: number
  readonly workers: number
  readonly busy: number
  readonly waiting: number | undefined
  readonly arrivalsPerS: number
  readonly completedPerS: number
}

export interface ScalingSeries {
  readonly function: string
  readonly version: string
  readonly points: readonly ScalingPoint[]
}

/** What is asked for; absent fields ask for everything. */
export interface ScalingQuery {
  readonly function?: string | undefined
  readonly version?: string | undefined
  /** ms since the epoch; inclusive. */
  readonly fromMs?: number | undefined
}

/** How long decisions and points are kept. */
export const keptMs = 3_600_000
/** Between two points of a version. */
export const pointIntervalMs = 5_000

/** Whatever happens within an hour, so many and no more. */
const maxEvents = 10_000
const maxPoints = 500_000

interface Line {
  readonly function: string
  readonly version: string
  readonly points: ScalingPoint[]
}

/** The last hour of the controller: every change of a number of workers, and a point every five seconds. In memory. */
export class ScalingHistory {
  #events: ScalingEvent[] = []
  readonly #lines = new Map<string, Line>()
  #points = 0

  decided(event: ScalingEvent): void {
    this.#events.push(event)
    // Cut in large steps: an array that is shifted for every event costs more than what it keeps.
    if (this.#events.length < maxEvents * 1.25) return
    const from = Math.max(this.#events.length - maxEvents, firstSince(this.#events, event.atMs - keptMs))
    this.#events = this.#events.slice(from)
  }

  /** To be called as often as one likes: it keeps one point per interval, and one zero of many. */
  observed(name: string, version: string, point: ScalingPoint): void {
    const key = `${name}@${version}`
    let line = this.#lines.get(key)
    if (line === undefined) {
      if (isNothing(point)) return
      this.#lines.set(key, (line = { function: name, version, points: [] }))
    }
    const { points } = line
    const last = points.at(-1)
    if (last !== undefined && point.atMs - last.atMs < pointIntervalMs && point.atMs >= last.atMs) return
    const before = points.at(-2)
    // A line that lies at zero is known by its two ends.
    if (last !== undefined && before !== undefined && [before, last, point].every(isNothing)) points.pop()
    else this.#points++
    points.push(point)
    this.#forget(line, point.atMs - keptMs)
    if (this.#points > maxPoints) this.#forgetHalf()
  }

  /** Newest first. */
  events({ function: name, version, fromMs = -Infinity }: ScalingQuery = {}): readonly ScalingEvent[] {
    const since = Math.max(fromMs, Date.now() - keptMs)
    return this.#events
      .filter(
        event =>
          event.atMs >= since &&
          (name === undefined || event.function === name) &&
          (version === undefined || event.version === version),
      )
      .toReversed()
  }

  /** By function and version; points ascend in time. What lay at zero all the time has none. */
  series({ function: name, version, fromMs = -Infinity }: ScalingQuery = {}): readonly ScalingSeries[] {
    const since = Math.max(fromMs, Date.now() - keptMs)
    const series: ScalingSeries[] = []
    for (const line of this.#lines.values()) {
      if (name !== undefined && line.function !== name) continue
      if (version !== undefined && line.version !== version) continue
      const points = line.points.filter(({ atMs }) => atMs >= since)
      if (points.length > 0) series.push({ function: line.function, version: line.version, points })
    }
    return series
  }

  #forget(line: Line, olderThanMs: number): void {
    // Every few minutes, in one cut.
    if ((line.points[Math.min(60, line.points.length - 1)]?.atMs ?? Infinity) >= olderThanMs) return
    const from = firstSince(line.points, olderThanMs)
    line.points.splice(0, from)
    this.#points -= from
  }

  /** More versions than one looks at: of each the older half goes, and those that are gone go first. */
  #forgetHalf(): void {
    const since = Date.now() - keptMs
    for (const [key, line] of this.#lines) {
      const gone = (line.points.at(-1)?.atMs ?? 0) < since ? line.points.length : Math.floor(line.points.length / 2)
      line.points.splice(0, gone)
      this.#points -= gone
      if (line.points.length === 0) this.#lines.delete(key)
    }
  }
}

function isNothing({ workers, waiting, arrivalsPerS, completedPerS }: ScalingPoint): boolean {
  return workers === 0 && waiting === 0 && arrivalsPerS === 0 && completedPerS === 0
}

/** Index of the first entry at or after a time, in an ascending list. */
function firstSince(entries: readonly { readonly atMs: number }[], atMs: number): number {
  const index = entries.findIndex(entry => entry.atMs >= atMs)
  return index === -1 ? entries.length : index
}

export function inputsOf(sample: ScalingSample): ScalingInputs {
  return {
    waiting: sample.backlog,
    arrivalsPerS: sample.arrivalsPerS,
    completedPerS: sample.completedPerS ?? 0,
    runnableKeys: sample.runnableKeys,
    ready: sample.ready ?? sample.workers,
    busy: sample.busy,
    running: sample.running ?? sample.busy,
    concurrency: sample.concurrency,
    serviceTimeMs: sample.serviceTimeMs,
    cpuShare: sample.cpuShare,
    failureShare: sample.failureShare,
    limit: sample.limit,
  }
}
