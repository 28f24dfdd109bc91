import type { BreakerStatus } from '../dispatch/trigger-breaker.ts'
import type { EmbeddedLogStats } from '../log/embedded/embedded-log-stats.ts'
import type { SourceStats } from '../sources/source.ts'
import type { WorkerPoolStats } from '../workers/worker-pool.ts'
import type { RunningTrigger } from './fleet/trigger-fleet.ts'
import type { GatewayView } from './gateway-view.ts'
import { groupOf } from './home-streams.ts'

type Labels = Readonly<Record<string, string>>
type Readings = Iterable<readonly [Labels, number]>

/** Registers the gateway's instruments. All are read when they are scraped: counting costs the hot path nothing. */
export function registerMetrics(view: GatewayView): void {
  registerTriggers(view)
  registerSources(view)
  registerPools(view)
  registerScaling(view)
  registerLogs(view)
}

function registerTriggers({ metrics: registry, ends, triggers: { running: triggers } }: GatewayView): void {
  const each = (value: (trigger: RunningTrigger) => number) =>
    function* (): Readings {
      for (const trigger of triggers.values()) {
        const { stream } = trigger.record.definition
        yield [{ trigger: trigger.name, stream, function: trigger.routes.refs.ref.name }, value(trigger)]
      }
    }
  const counter = (name: string, help: string, value: (trigger: RunningTrigger) => number): void =>
    registry.counter({ name, help }, each(value))
  const gauge = (name: string, help: string, value: (trigger: RunningTrigger) => number): void =>
    registry.gauge({ name, help }, each(value))
  counter('sluice_events_received', 'Records that triggers took in.', ({ dispatch }) => dispatch.counters.received)
  counter(
    'sluice_events_filtered',
    'Records that no filter let through; they count as completed.',
    ({ dispatch }) => dispatch.counters.filtered,
  )
  counter(
    'sluice_events_skipped',
    'Records that could not become events and are skipped by policy.',
    ({ dispatch }) => dispatch.counters.skipped,
  )
  counter('sluice_events_succeeded', 'Events whose function succeeded.', ({ dispatch }) => dispatch.counters.succeeded)
  counter('sluice_attempts_failed', 'Attempts that failed.', ({ dispatch }) => dispatch.counters.failed)
  counter('sluice_attempts_retried', 'Failed attempts that are repeated.', ({ dispatch }) => dispatch.counters.retried)
  counter(
    'sluice_events_delayed',
    'Events that left the order of their key to be tried again later.',
    ({ dispatch }) => dispatch.counters.delayed,
  )
  counter('sluice_dead_letters', 'Events that became dead letters.', ({ dispatch }) => dispatch.deadLettered)
  counter('sluice_results_published', 'Results that sinks acknowledged.', ({ dispatch }) => dispatch.published)
  gauge('sluice_parked_keys', 'Keys whose events wait aside.', ({ dispatch }) => dispatch.parkedKeys)
  gauge('sluice_trigger_paused', '1 while the trigger is paused.', ({ dispatch }) =>
    dispatch.pauseRecord === undefined ? 0 : 1,
  )
  gauge('sluice_trigger_blocked', '1 while nothing of the trigger starts because of a fault.', ({ dispatch }) =>
    dispatch.problem === undefined ? 0 : 1,
  )
  const breakers = (value: (status: BreakerStatus) => number) =>
    function* (): Readings {
      for (const { name, dispatch } of triggers.values())
        if (dispatch.breaker !== undefined) yield [{ trigger: name }, value(dispatch.breaker.status)]
    }
  registry.gauge(
    {
      name: 'sluice_breaker_state',
      help: '0 while the circuit breaker is closed, 1 while it is half-open, 2 while open.',
    },
    breakers(({ state }) => ['closed', 'half-open', 'open'].indexOf(state)),
  )
  registry.counter(
    { name: 'sluice_breaker_openings', help: 'Times that a circuit breaker opened, after probes that failed as well.' },
    breakers(({ openings }) => openings),
  )
  gauge('sluice_events_running', 'Events in workers now.', ({ dispatch }) => dispatch.running)
  registry.counter(
    { name: 'sluice_records_missed', help: 'Records that a trigger never got: expired, truncated or damaged.' },
    function* () {
      for (const { name, dispatch } of triggers.values()) {
        for (const [reason, count] of Object.entries(dispatch.anomalies))
          yield [{ trigger: name, reason }, count] as const
      }
    },
  )
  registry.histogram(
    { name: 'sluice_event_duration', help: 'From acceptance to completion.', unit: 'ms' },
    function* () {
      for (const { name, dispatch } of triggers.values()) yield [{ trigger: name }, dispatch.acceptToDoneMs.snapshot()]
    },
  )
  registry.gauge(
    { name: 'sluice_lag', help: 'Events that are not completed, by partition; absent while it is not known.' },
    async () => {
      const readings: [Labels, number][] = []
      for (const trigger of triggers.values()) {
        for (const [partition, lag] of await lagOf(trigger, ends))
          readings.push([{ trigger: trigger.name, partition: String(partition) }, lag])
      }
      return readings
    },
  )
}

async function lagOf(
  { record, log, dispatch }: RunningTrigger,
  logEnds: GatewayView['ends'],
): Promise<readonly (readonly [number, number])[]> {
  try {
    const [ends, committed] = await Promise.all([logEnds.of(log), log.committed(groupOf(record.uid))])
    const completed = new Map(dispatch.partitions().map(progress => [progress.partition, progress.completed]))
    return ends.map(({ end, low }, partition) => [
      partition,
      Math.max(0, end - (completed.get(partition) ?? committed.get(partition) ?? low)),
    ])
  } catch {
    // Unknown is not zero: the series just ends until the log answers again.
    return []
  }
}

function registerSources({ metrics: registry, sources }: GatewayView): void {
  const each = (value: (stats: SourceStats) => number) =>
    function* (): Readings {
      for (const [source, { kind, stats }] of [...sources].map(
        ([name, found]) => [name, { kind: found.kind, stats: found.stats() }] as const,
      )) {
        yield [{ source, kind }, value(stats)]
      }
    }
  registry.counter(
    { name: 'sluice_source_accepted', help: 'Events that became durable.' },
    each(stats => stats.accepted),
  )
  registry.counter(
    { name: 'sluice_source_duplicates', help: 'Deliveries that were known already.' },
    each(stats => stats.duplicates),
  )
  registry.gauge(
    { name: 'sluice_source_running', help: '1 while the source takes events.' },
    each(stats => (stats.state === 'running' ? 1 : 0)),
  )
  registry.counter({ name: 'sluice_source_refused', help: 'Refused, by reason.' }, function* () {
    for (const [name, source] of sources) {
      for (const [reason, count] of Object.entries(source.stats().refused))
        yield [{ source: name, kind: source.kind, reason }, count]
    }
  })
}

function registerPools({ metrics: registry, engines }: GatewayView): void {
  const each = (value: (stats: WorkerPoolStats) => number) =>
    function* (): Readings {
      for (const { version, dispatch } of engines.all)
        yield [{ function: version.name, version: version.version }, value(dispatch.pool.stats())]
    }
  registry.gauge(
    { name: 'sluice_workers', help: 'Worker threads alive.' },
    each(stats => stats.workers),
  )
  registry.gauge(
    { name: 'sluice_workers_permitted', help: 'Workers that may run at a time.' },
    each(stats => stats.permits),
  )
  registry.gauge(
    { name: 'sluice_workers_busy', help: 'Workers that run a frame.' },
    each(stats => stats.busy),
  )
  registry.counter(
    { name: 'sluice_cold_starts', help: 'Workers that were started.' },
    each(stats => stats.coldStarts),
  )
  registry.counter(
    { name: 'sluice_workers_killed', help: 'Workers that were ended for a time-out or died.' },
    each(stats => stats.killed),
  )
}

function registerScaling({ metrics: registry, engines }: GatewayView): void {
  const { controller } = engines
  registry.gauge(
    { name: 'sluice_events_waiting', help: 'Events that wait for a version and could run; absent while not known.' },
    function* () {
      for (const { pool, inputs } of controller.statuses()) {
        if (inputs?.waiting === undefined) continue
        yield [{ function: pool.version.name, version: pool.version.version }, inputs.waiting]
      }
    },
  )
  registry.counter(
    {
      name: 'sluice_function_limit_waits',
      help: 'How often calls of a function waited because its limits permitted no more.',
    },
    function* () {
      const seen = new Set<string>()
      for (const { version, dispatch } of engines.all) {
        if (seen.has(version.name) || Object.keys(dispatch.permits.limits).length === 0) continue
        seen.add(version.name)
        yield [{ function: version.name }, dispatch.permits.waits]
      }
    },
  )
  registry.gauge(
    {
      name: 'sluice_wanted_nodes',
      help: 'Nodes that the load would fill, not rounded; absent while a lag is not known.',
    },
    function* () {
      const wanted = controller.wantedNodes()
      if (wanted !== undefined) yield [{}, wanted.nodes]
    },
  )
}

function registerLogs({ metrics: registry, streams, reserve, config }: GatewayView): void {
  const each = (value: (stats: EmbeddedLogStats) => number) =>
    function* (): Readings {
      for (const { name, log } of streams.values()) yield [{ stream: name }, value(log.stats())]
    }
  registry.gauge(
    { name: 'sluice_log_size', help: 'Bytes on disk.', unit: 'By' },
    each(stats => stats.bytes),
  )
  registry.gauge(
    { name: 'sluice_log_quota', help: 'Bytes at which the stream is full and its sources refuse.', unit: 'By' },
    function* () {
      for (const name of streams.keys()) {
        const definition = config.streams.get(name)
        if (definition?.kind === 'home') yield [{ stream: name }, definition.maxBytes] as const
      }
    },
  )
  registry.gauge(
    { name: 'sluice_disk_reserve_low', help: '1 while the disk has room for completions and dead letters only.' },
    () => [[{}, reserve.isLow ? 1 : 0]],
  )
  registry.counter(
    { name: 'sluice_log_appended', help: 'Events made durable.' },
    each(stats => stats.appended),
  )
  registry.counter(
    { name: 'sluice_log_syncs', help: 'Syncs to disk.' },
    each(stats => stats.syncs),
  )
  registry.gauge(
    { name: 'sluice_log_sync_time', help: 'Average time of a sync.', unit: 'ms' },
    each(stats => stats.averageSyncMs),
  )
  registry.counter(
    { name: 'sluice_log_damaged', help: 'Damaged ranges that were stepped over.' },
    each(stats => stats.damaged),
  )
}
