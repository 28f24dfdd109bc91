import type { StatsSampleView, StatsView, VersionStatsView } from '../../api/views/stats-view.ts'
import {
  emptyStats,
  windowBetween,
  type VersionStatsSnapshot,
  type VersionWindow,
} from '../../dispatch/version-stats.ts'
import type { Observations, VersionSample } from '../../store/observations.ts'
import type { WorkerPoolStats } from '../../workers/worker-pool.ts'
import type { VersionEngine, VersionEngines } from '../fleet/version-engines.ts'
import type { Duty } from './duties.ts'

/** Length of one interval of the time series. */
const intervalMs = 10_000

/** What the worker pool counts of a version. */
type Usage = Pick<WorkerPoolStats, 'coldStarts' | 'cpuMs' | 'memoryMiBSeconds' | 'workerSeconds'>

/** An engine at one moment. */
interface Reading {
  readonly stats: VersionStatsSnapshot
  readonly usage: Usage
}

const noUsage: Usage = { coldStarts: 0, cpuMs: 0, memoryMiBSeconds: 0, workerSeconds: 0 }
const beginning: Reading = { stats: emptyStats, usage: noUsage }

/** Reads what versions did: in all since the start, and interval by interval for the last hour. */
export class StatsSampler implements Duty {
  readonly #engines: VersionEngines
  readonly #observations: Observations
  readonly #last = new WeakMap<VersionEngine, Reading>()
  /** Of engines that are gone, by `name@version`: latest has a new engine with every change. */
  readonly #retired = new Map<string, VersionStatsView>()
  #timer: NodeJS.Timeout | undefined

  constructor(engines: VersionEngines, observations: Observations) {
    this.#engines = engines
    this.#observations = observations
  }

  start(): void {
    const plan = (): void => {
      // On the multiples of the interval, so that samples of all versions and runs fall together.
      this.#timer = setTimeout(
        () => {
          this.sample(Date.now())
          plan()
        },
        intervalMs - (Date.now() % intervalMs),
      )
    }
    plan()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.sample(Date.now())
  }

  /** Keeps what every version did since the last sample; idle versions make none. */
  sample(nowMs: number): void {
    const atMs = Math.floor((nowMs - 1) / intervalMs) * intervalMs
    const samples: VersionSample[] = []
    for (const engine of this.#engines.all) {
      const sample = this.#sampleOf(engine, atMs)
      if (sample !== undefined) samples.push(sample)
    }
    if (samples.length > 0) this.#observations.sample(samples)
  }

  /** An engine is about to go: what it did stays. */
  retired(engine: VersionEngine): void {
    const { name, version } = engine.version
    const sample = this.#sampleOf(engine, Math.floor(Date.now() / intervalMs) * intervalMs)
    if (sample !== undefined) this.#observations.sample([sample])
    const key = `${name}@${version}`
    this.#retired.set(key, add(this.#retired.get(key), statsOf(version, beginning, readingOf(engine))))
  }

  async stats(name: string, windowMs: number, nowMs: number): Promise<StatsView> {
    const totals = new Map<string, VersionStatsView>()
    for (const [key, stats] of this.#retired)
      if (key.slice(0, key.lastIndexOf('@')) === name) totals.set(stats.version, stats)
    for (const engine of this.#engines.of(name)) {
      const { version } = engine.version
      totals.set(version, add(totals.get(version), statsOf(version, beginning, readingOf(engine))))
    }
    return {
      function: name,
      atMs: nowMs,
      windowMs,
      intervalMs,
      totals: [...totals.values()].sort((a, b) => order(a.version) - order(b.version)),
      series: seriesOf(await this.#observations.samples(name, nowMs - windowMs)),
    }
  }

  #sampleOf(engine: VersionEngine, atMs: number): VersionSample | undefined {
    const before = this.#last.get(engine) ?? beginning
    const after = readingOf(engine)
    this.#last.set(engine, after)
    const { name, version } = engine.version
    const stats = statsOf(version, before, after)
    if (stats.invocations === 0 && stats.deadLetters === 0 && stats.workerSeconds === 0) return undefined
    return { atMs, function: name, version, values: JSON.stringify(stats) }
  }
}

function readingOf({ dispatch }: VersionEngine): Reading {
  const { coldStarts, cpuMs, memoryMiBSeconds, workerSeconds } = dispatch.pool.stats()
  return { stats: dispatch.stats.snapshot(), usage: { coldStarts, cpuMs, memoryMiBSeconds, workerSeconds } }
}

function statsOf(version: string, before: Reading, after: Reading): VersionStatsView {
  const window = windowBetween(before.stats, after.stats)
  const { invocations, succeeded, failures, retries, deadLetters, timeouts } = window
  const difference = (field: keyof Usage): number => Math.max(0, after.usage[field] - before.usage[field])
  return {
    version,
    invocations,
    succeeded,
    failures,
    retries,
    deadLetters,
    timeouts,
    coldStarts: difference('coldStarts'),
    ...figures(window, window.durationMs),
    queueDelay: figures(window, window.queueDelayMs),
    cpuMs: difference('cpuMs'),
    memoryMiBSeconds: difference('memoryMiBSeconds'),
    workerSeconds: difference('workerSeconds'),
  }
}

/** Without an invocation there is no duration, which is not the same as 0. */
function figures({ invocations }: VersionWindow, { mean, p50, p95, p99 }: VersionWindow['durationMs']) {
  if (invocations === 0) return { meanMs: null, p50Ms: null, p95Ms: null, p99Ms: null }
  return { meanMs: mean, p50Ms: p50, p95Ms: p95, p99Ms: p99 }
}

/** One entry per interval and version: where latest was changed within an interval, two engines have written. */
function seriesOf(samples: readonly VersionSample[]): StatsSampleView[] {
  const series: StatsSampleView[] = []
  const places = new Map<string, number>()
  for (const { atMs, version, values } of samples) {
    const stats = JSON.parse(values) as VersionStatsView
    const place = places.get(`${atMs}/${version}`)
    if (place !== undefined) series[place] = { atMs, ...add(series[place], stats) }
    else places.set(`${atMs}/${version}`, series.push({ atMs, ...stats }) - 1)
  }
  return series
}

/** Sums; durations are those of the newer part, unless it has none. */
function add(older: VersionStatsView | undefined, newer: VersionStatsView): VersionStatsView {
  if (older === undefined) return newer
  const { meanMs, p50Ms, p95Ms, p99Ms, queueDelay } = newer.invocations > 0 ? newer : older
  return {
    version: newer.version,
    invocations: older.invocations + newer.invocations,
    succeeded: older.succeeded + newer.succeeded,
    failures: older.failures + newer.failures,
    retries: older.retries + newer.retries,
    deadLetters: older.deadLetters + newer.deadLetters,
    timeouts: older.timeouts + newer.timeouts,
    coldStarts: older.coldStarts + newer.coldStarts,
    meanMs,
    p50Ms,
    p95Ms,
    p99Ms,
    queueDelay,
    cpuMs: older.cpuMs + newer.cpuMs,
    memoryMiBSeconds: older.memoryMiBSeconds + newer.memoryMiBSeconds,
    workerSeconds: older.workerSeconds + newer.workerSeconds,
  }
}

/** latest last, published versions by number. */
const order = (version: string): number => (version === 'latest' ? Infinity : Number(version))
