import type { VersionCounts } from '../../dispatch/version-stats.ts'
import { durationBucketsMs, inSeconds, type HistogramSnapshot } from '../../telemetry/histogram.ts'
import type { WorkerPoolStats } from '../../workers/worker-pool.ts'
import type { VersionEngine, VersionEngines } from '../fleet/version-engines.ts'
import type { GatewayView } from '../gateway-view.ts'

const versionLabels = ['function', 'version'] as const

/**
 * What the versions at work do, and their worker pools. `latest` has a new engine with every change, and an old one that
 * ends what it has: workers of both are there, but counters are those of the newer one, so that none ever goes back by a part.
 */
export function registerFunctionMetrics(view: GatewayView): void {
  registerInvocations(view)
  registerPools(view)
  registerWaiting(view)
}

function registerInvocations({ metrics: registry, ...view }: GatewayView): void {
  registry.counter(
    {
      name: 'sluice.invocations',
      help: 'Attempts of a function version that ended, by outcome: succeeded, failed, timeout.',
      unit: '{attempt}',
      labels: [...versionLabels, 'outcome'],
    },
    function* () {
      for (const { labels, newest } of versionsOf(view.engines)) {
        const { counts } = newest.dispatch.stats
        for (const outcome of outcomes) yield [{ ...labels, outcome }, outcomeOf(counts, outcome)] as const
      }
    },
  )
  const histogram = (name: string, help: string, read: (engine: VersionEngine) => HistogramSnapshot | undefined) =>
    registry.histogram({ name, help, unit: 's', labels: versionLabels }, function* () {
      for (const { labels, newest } of versionsOf(view.engines)) {
        const snapshot = read(newest)
        if (snapshot !== undefined) yield [labels, inSeconds(snapshot)] as const
      }
    })
  histogram('sluice.invocation.duration', 'Time in the handler, of an attempt.', ({ dispatch }) =>
    dispatch.stats.durationsMs(durationBucketsMs),
  )
  histogram(
    'sluice.queue.delay',
    'From the moment at which an attempt could have begun (its key free, its backoff over) until it did.',
    ({ dispatch }) => dispatch.stats.queueDelaysMs(durationBucketsMs),
  )
  registry.counter(
    {
      name: 'sluice.invocations.refused',
      help: 'Synchronous invocations that were not begun, by reason: disabled, paused, limited, overloaded, quarantined, stopped.',
      unit: '{call}',
      labels: ['function', 'reason'],
    },
    () => view.invoke.refusals(),
  )
}

function registerPools({ metrics: registry, ...view }: GatewayView): void {
  type Value = (stats: WorkerPoolStats) => number
  const gauge = (name: string, unit: string, help: string, value: Value): void =>
    registry.gauge({ name, help, unit, labels: versionLabels }, function* () {
      for (const { labels, engines } of versionsOf(view.engines))
        yield [labels, engines.reduce((sum, { dispatch }) => sum + value(dispatch.pool.stats()), 0)] as const
    })
  const counter = (name: string, unit: string, help: string, value: Value): void =>
    registry.counter({ name, help, unit, labels: versionLabels }, function* () {
      for (const { labels, newest } of versionsOf(view.engines))
        yield [labels, value(newest.dispatch.pool.stats())] as const
    })
  gauge('sluice.workers', '{worker}', 'Workers alive.', stats => stats.workers)
  gauge('sluice.workers.permitted', '{worker}', 'Workers that may run at a time.', stats => stats.permits)
  gauge('sluice.workers.busy', '{worker}', 'Workers that run a frame.', stats => stats.busy)
  registry.gauge(
    {
      name: 'sluice.workers.utilization',
      help: 'Share of the workers alive that run a frame; absent without workers.',
      unit: '1',
      labels: versionLabels,
    },
    function* () {
      for (const { labels, newest } of versionsOf(view.engines)) {
        const { busy, workers } = newest.dispatch.pool.stats()
        if (workers > 0) yield [labels, Math.min(1, busy / workers)] as const
      }
    },
  )
  gauge('sluice.pool.quarantined', '', '1 while no worker of a version can start.', ({ state }) =>
    state === 'quarantined' ? 1 : 0,
  )
  counter('sluice.cold_starts', '{worker}', 'Workers that were started.', stats => stats.coldStarts)
  counter('sluice.workers.killed', '{worker}', 'Workers that were ended for a time-out or died.', stats => stats.killed)
  counter(
    'sluice.workers.leaked',
    '{worker}',
    'Workers that did not end when they were told to; they sit in a system call.',
    stats => stats.leaked,
  )
  counter('sluice.worker.cpu.time', 's', 'CPU time of workers.', stats => stats.cpuMs / 1000)
  counter('sluice.worker.alive.time', 's', 'How long workers lived, in all.', stats => stats.workerSeconds)
}

function registerWaiting({ metrics: registry, ...view }: GatewayView): void {
  registry.gauge(
    {
      name: 'sluice.events.waiting',
      help: 'Events that wait for a version and could run; absent while not known.',
      unit: '{event}',
      labels: versionLabels,
    },
    function* () {
      const waiting = new Map<string, { readonly labels: Record<string, string>; sum: number }>()
      for (const { pool, inputs } of view.engines.controller.statuses()) {
        if (inputs?.waiting === undefined) continue
        const labels = { function: pool.version.name, version: pool.version.version }
        const key = `${labels.function}@${labels.version}`
        const known = waiting.get(key) ?? { labels, sum: 0 }
        known.sum += inputs.waiting
        waiting.set(key, known)
      }
      for (const { labels, sum } of waiting.values()) yield [labels, sum] as const
    },
  )
  registry.counter(
    {
      name: 'sluice.function.limit.waits',
      help: 'How often calls of a function waited because its limits permitted no more.',
      labels: ['function'],
    },
    function* () {
      const seen = new Set<string>()
      for (const { version, dispatch } of view.engines.all) {
        if (seen.has(version.name) || Object.keys(dispatch.permits.limits).length === 0) continue
        seen.add(version.name)
        yield [{ function: version.name }, dispatch.permits.waits] as const
      }
    },
  )
  registry.gauge(
    {
      name: 'sluice.wanted.nodes',
      help: 'Nodes that the load would fill, not rounded; absent while a lag is not known.',
      unit: '{node}',
    },
    function* () {
      const wanted = view.engines.controller.wantedNodes()
      if (wanted !== undefined) yield [{}, wanted.nodes] as const
    },
  )
}

const outcomes = ['succeeded', 'failed', 'timeout'] as const

function outcomeOf({ succeeded, failures, timeouts }: VersionCounts, outcome: (typeof outcomes)[number]): number {
  if (outcome === 'succeeded') return succeeded
  return outcome === 'timeout' ? timeouts : failures - timeouts
}

interface VersionAtWork {
  readonly labels: { readonly function: string; readonly version: string }
  readonly newest: VersionEngine
  readonly engines: VersionEngine[]
}

/** All metrics of one reading look at the same versions: putting them together costs more than reading one. */
const maxAgeMs = 100

const known = new WeakMap<VersionEngines, { readonly atMs: number; readonly versions: readonly VersionAtWork[] }>()

function versionsOf(engines: VersionEngines): readonly VersionAtWork[] {
  const last = known.get(engines)
  if (last !== undefined && performance.now() - last.atMs < maxAgeMs) return last.versions
  const versions = versionsAtWork(engines)
  known.set(engines, { atMs: performance.now(), versions })
  return versions
}

function versionsAtWork({ all }: VersionEngines): readonly VersionAtWork[] {
  const versions = new Map<string, VersionAtWork>()
  // Those that serve come first.
  for (const engine of all) {
    const { name, version } = engine.version
    const key = `${name}@${version}`
    const found = versions.get(key)
    if (found === undefined)
      versions.set(key, { labels: { function: name, version }, newest: engine, engines: [engine] })
    else found.engines.push(engine)
  }
  return [...versions.values()]
}
