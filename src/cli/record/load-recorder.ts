import type { ScaledVersionView, ScalingView } from '../../api/views/scaling-view.ts'

/** One function of a load file, as `sluice simulate` reads it (docs/scaling.md). */
export interface RecordedFunction {
  readonly function: string
  readonly arrivals: number[]
  readonly serviceTimeMs: number[]
  readonly cpuTimeMs: number
  readonly failureShare: number[]
  readonly concurrency: number
  readonly keys?: number
  readonly memoryMiB: number
}

export interface RecordedLoad {
  readonly format: 'sluice-load/1'
  readonly name: string
  readonly startedAt: string
  readonly intervalMs: number
  readonly functions: readonly RecordedFunction[]
}

export interface LoadRecorderOptions {
  readonly name: string
  readonly intervalMs: number
}

interface Totals {
  readonly inSystem: number
  readonly ended: number
  readonly failed: number
  readonly handlerMs: number
  readonly cpuMs: number
}

interface Line {
  readonly arrivals: number[]
  readonly serviceTimeMs: (number | undefined)[]
  readonly failureShare: number[]
  cpuMs: number
  ended: number
  concurrency: number
  memoryMiB: number
  /** The most keys that were seen to be runnable at a time. */
  keys: number
}

/**
 * Makes a load out of looks at a gateway, one per interval: what arrived is what ended plus what the system holds more
 * than before, repeated attempts included, as the controller counts. Versions of one function are one line; a version
 * that is new counts from its first look on.
 */
export class LoadRecorder {
  readonly #options: LoadRecorderOptions
  readonly #lines = new Map<string, Line>()
  #before: ReadonlyMap<string, Totals> | undefined
  #startedAtMs = 0
  #intervals = 0

  constructor(options: LoadRecorderOptions) {
    this.#options = options
  }

  /** Intervals that are recorded. */
  get intervals(): number {
    return this.#intervals
  }

  /** Events that are recorded. */
  get events(): number {
    let events = 0
    for (const { arrivals } of this.#lines.values()) for (const count of arrivals) events += count
    return events
  }

  /** The first look only begins. */
  look(view: ScalingView): void {
    const now = new Map(view.versions.map(version => [keyOf(version), totalsOf(version)]))
    const before = this.#before
    this.#before = now
    if (before === undefined) {
      this.#startedAtMs = view.atMs
      return
    }
    const sums = new Map<string, Totals & { versions: ScaledVersionView[] }>()
    for (const version of view.versions) {
      const last = before.get(keyOf(version))
      const totals = now.get(keyOf(version)) as Totals
      // Counters of a version that began anew are smaller than before: it is as new.
      if (last === undefined || totals.ended < last.ended) continue
      const sum = sums.get(version.function)
      const difference = minus(totals, last)
      sums.set(version.function, {
        ...(sum === undefined ? difference : plus(sum, difference)),
        versions: [...(sum?.versions ?? []), version],
      })
    }
    for (const [name, { versions, ...sum }] of sums) this.#add(this.#lineOf(name), sum, versions)
    this.#intervals++
    for (const line of this.#lines.values()) fillUp(line, this.#intervals)
  }

  /** The load so far; functions that never had an event are left out. */
  load(): RecordedLoad {
    const functions: RecordedFunction[] = []
    for (const [name, line] of this.#lines) {
      const known = line.serviceTimeMs.find(value => value !== undefined)
      if (known === undefined) continue
      let last = known
      functions.push({
        function: name,
        arrivals: line.arrivals,
        serviceTimeMs: line.serviceTimeMs.map(value => (last = value ?? last)),
        cpuTimeMs: rounded(line.cpuMs / Math.max(1, line.ended)),
        failureShare: line.failureShare,
        concurrency: line.concurrency,
        ...(line.keys > 0 ? { keys: line.keys } : {}),
        memoryMiB: line.memoryMiB,
      })
    }
    const { name, intervalMs } = this.#options
    return {
      format: 'sluice-load/1',
      name,
      startedAt: new Date(this.#startedAtMs).toISOString(),
      intervalMs,
      functions: functions.sort((a, b) => (a.function < b.function ? -1 : 1)),
    }
  }

  #lineOf(name: string): Line {
    let line = this.#lines.get(name)
    if (line === undefined) {
      line = {
        ...{ arrivals: [], serviceTimeMs: [], failureShare: [] },
        ...{ cpuMs: 0, ended: 0, concurrency: 1, memoryMiB: 16, keys: 0 },
      }
      fillUp(line, this.#intervals)
      this.#lines.set(name, line)
    }
    return line
  }

  #add(line: Line, sum: Totals, versions: readonly ScaledVersionView[]): void {
    line.arrivals.push(Math.max(0, sum.ended + sum.inSystem))
    line.serviceTimeMs.push(sum.ended === 0 ? undefined : rounded(sum.handlerMs / sum.ended))
    line.failureShare.push(sum.ended === 0 ? 0 : rounded(sum.failed / sum.ended))
    line.cpuMs += sum.cpuMs
    line.ended += sum.ended
    for (const { inputs, memoryMiB } of versions) {
      line.memoryMiB = Math.max(line.memoryMiB, memoryMiB)
      line.concurrency = Math.max(line.concurrency, inputs?.concurrency ?? 1)
      line.keys = Math.max(line.keys, inputs?.runnableKeys ?? 0)
    }
  }
}

const keyOf = ({ function: name, version }: ScaledVersionView): string => `${name}@${version}`

function totalsOf({ inputs, totals: { succeeded, failed, handlerMs, cpuMs } }: ScaledVersionView): Totals {
  const inSystem = (inputs?.waiting ?? 0) + (inputs?.running ?? 0)
  return { inSystem, ended: succeeded + failed, failed, handlerMs, cpuMs }
}

const minus = (a: Totals, b: Totals): Totals => combined(a, b, -1)
const plus = (a: Totals, b: Totals): Totals => combined(a, b, 1)

function combined(a: Totals, b: Totals, sign: 1 | -1): Totals {
  return {
    inSystem: a.inSystem + sign * b.inSystem,
    ended: a.ended + sign * b.ended,
    failed: a.failed + sign * b.failed,
    handlerMs: a.handlerMs + sign * b.handlerMs,
    cpuMs: a.cpuMs + sign * b.cpuMs,
  }
}

/** A function that was not seen in an interval had nothing. */
function fillUp(line: Line, intervals: number): void {
  while (line.arrivals.length < intervals) line.arrivals.push(0)
  while (line.serviceTimeMs.length < intervals) line.serviceTimeMs.push(undefined)
  while (line.failureShare.length < intervals) line.failureShare.push(0)
}

const rounded = (value: number): number => Math.max(0, Number(value.toPrecision(4)))
