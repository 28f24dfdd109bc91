import type { BreakerStatus } from '../../dispatch/trigger-breaker.ts'
import type { TriggerDispatch } from '../../dispatch/trigger-dispatch.ts'
import { inSeconds } from '../../telemetry/histogram.ts'
import type { Labels } from '../../telemetry/metric-reading.ts'
import type { RunningTrigger } from '../fleet/trigger-fleet.ts'
import type { GatewayView } from '../gateway-view.ts'
import { TriggersProgress, type TriggerProgress } from './trigger-progress.ts'

/** Streams may have thousands of partitions, and each of several triggers has series for all of them. */
const maxPartitionSeries = 20_000

const triggerLabels = ['trigger', 'stream', 'function'] as const

const labelsOf = ({ name, record, routes }: RunningTrigger): Labels => ({
  trigger: name,
  stream: record.definition.stream,
  function: routes.refs.ref.name,
})

/** What triggers do, and how far they are. A trigger that is deleted has no series any more. */
export function registerTriggerMetrics(view: GatewayView): void {
  registerCounters(view)
  registerStates(view)
  registerProgress(view)
}

function registerCounters({ metrics: registry, ...view }: GatewayView): void {
  const counter = (name: string, unit: string, help: string, value: (dispatch: TriggerDispatch) => number): void =>
    registry.counter({ name, help, unit, labels: triggerLabels }, function* () {
      for (const trigger of view.triggers.running.values()) yield [labelsOf(trigger), value(trigger.dispatch)]
    })
  counter('sluice.events.received', '{event}', 'Records that triggers took in.', each => each.counters.received)
  counter(
    'sluice.events.filtered',
    '{event}',
    'Records that no filter let through; they count as completed.',
    each => each.counters.filtered,
  )
  counter(
    'sluice.events.skipped',
    '{event}',
    'Records that could not become events and are skipped by policy.',
    each => each.counters.skipped,
  )
  counter('sluice.events.succeeded', '{event}', 'Events whose function succeeded.', each => each.counters.succeeded)
  counter(
    'sluice.events.delayed',
    '{event}',
    'Events that left the order of their key to be tried again later.',
    each => each.counters.delayed,
  )
  counter('sluice.attempts.failed', '{attempt}', 'Attempts that failed.', each => each.counters.failed)
  counter('sluice.attempts.retried', '{attempt}', 'Failed attempts that are repeated.', each => each.counters.retried)
  counter('sluice.dead_letters', '{event}', 'Events that became dead letters.', each => each.deadLettered)
  counter('sluice.results.published', '{result}', 'Results that sinks acknowledged.', each => each.published)
  registry.counter(
    {
      name: 'sluice.records.missed',
      help: 'Records that a trigger never got: expired before it came, truncated or damaged.',
      unit: '{record}',
      labels: ['trigger', 'reason'],
    },
    function* () {
      for (const { name, dispatch } of view.triggers.running.values()) {
        for (const [reason, count] of Object.entries(dispatch.anomalies))
          yield [{ trigger: name, reason }, count] as const
      }
    },
  )
  registry.histogram(
    {
      name: 'sluice.event.duration',
      help: 'From acceptance to completion of an event.',
      unit: 's',
      labels: ['trigger'],
    },
    function* () {
      for (const { name, dispatch } of view.triggers.running.values()) {
        const snapshot = dispatch.acceptToDoneMs.snapshot()
        if (snapshot.count > 0) yield [{ trigger: name }, inSeconds(snapshot)]
      }
    },
  )
}

function registerStates({ metrics: registry, ...view }: GatewayView): void {
  const gauge = (name: string, unit: string, help: string, value: (dispatch: TriggerDispatch) => number): void =>
    registry.gauge({ name, help, unit, labels: triggerLabels }, function* () {
      for (const trigger of view.triggers.running.values()) yield [labelsOf(trigger), value(trigger.dispatch)]
    })
  gauge('sluice.parked.keys', '{key}', 'Keys whose events wait aside.', each => each.parkedKeys)
  gauge('sluice.parked.events', '{event}', 'Events of parked keys.', each => each.parkedEvents)
  gauge('sluice.events.running', '{event}', 'Events in workers now.', each => each.running)
  gauge('sluice.trigger.paused', '', '1 while the trigger is paused.', each => (each.pauseRecord === undefined ? 0 : 1))
  registry.gauge(
    {
      name: 'sluice.trigger.blocked',
      help: '1 while nothing of the trigger starts because of a fault, or it cannot run at all.',
      labels: triggerLabels,
    },
    function* () {
      for (const trigger of view.triggers.running.values())
        yield [labelsOf(trigger), trigger.dispatch.problem === undefined ? 0 : 1] as const
      for (const { record } of view.triggers.waiting.values()) {
        const { stream, function: ref } = record.definition
        yield [{ trigger: record.name, stream, function: ref.replace(/@.*$/, '') }, 1] as const
      }
    },
  )
  registry.gauge(
    {
      name: 'sluice.trigger.problem',
      help: '1 for each part of a blocked trigger that does not work: store (no dead letter can be written), parking, subscription, suspects, dispatch, configuration.',
      labels: ['trigger', 'part'],
    },
    function* () {
      for (const { name, dispatch } of view.triggers.running.values())
        for (const part of dispatch.troubled) yield [{ trigger: name, part }, 1] as const
      for (const name of view.triggers.waiting.keys()) yield [{ trigger: name, part: 'configuration' }, 1] as const
    },
  )
  const breakers = (value: (status: BreakerStatus) => number) =>
    function* () {
      for (const { name, dispatch } of view.triggers.running.values())
        if (dispatch.breaker !== undefined) yield [{ trigger: name }, value(dispatch.breaker.status)] as const
    }
  registry.gauge(
    {
      name: 'sluice.breaker.state',
      help: '0 while the circuit breaker is closed, 1 while it is half-open, 2 while open.',
      labels: ['trigger'],
    },
    breakers(({ state }) => ['closed', 'half-open', 'open'].indexOf(state)),
  )
  registry.counter(
    {
      name: 'sluice.breaker.openings',
      help: 'Times that a circuit breaker opened, after probes that failed as well.',
      labels: ['trigger'],
    },
    breakers(({ openings }) => openings),
  )
}

function registerProgress(view: GatewayView): void {
  const { metrics: registry } = view
  let progress: TriggersProgress | undefined
  // Made when it is first read: the documentation is made without a gateway.
  const all = (): Promise<readonly TriggerProgress[]> => (progress ??= new TriggersProgress(view)).all()
  const triggers = (value: (progress: TriggerProgress) => number | undefined) => async () =>
    (await all()).flatMap((each): (readonly [Labels, number])[] => {
      const { name, stream, function: functionName } = each
      const number = value(each)
      return number === undefined ? [] : [[{ trigger: name, stream, function: functionName }, number]]
    })
  const partitions = (field: 'lag' | 'committed') => async () => {
    const series: (readonly [Labels, number])[] = []
    for (const { name, partitions } of await all()) {
      for (const each of partitions ?? []) {
        // Those beyond are not even made: a reading has to stay cheap however many there are.
        if (series.length > maxPartitionSeries) return series
        series.push([{ trigger: name, partition: String(each.partition) }, each[field]])
      }
    }
    return series
  }
  registry.gauge(
    {
      name: 'sluice.trigger.lag',
      help: 'Events of a trigger that are not completed, parked ones included; absent while it is not known.',
      unit: '{event}',
      labels: triggerLabels,
    },
    triggers(({ lag }) => lag),
  )
  registry.gauge(
    {
      name: 'sluice.trigger.oldest.age',
      help: 'Time since the oldest event that is not completed was accepted; 0 while nothing waits, absent while it is not known.',
      unit: 's',
      labels: triggerLabels,
    },
    triggers(({ lag, oldestMs }) => {
      if (oldestMs !== undefined) return Math.max(0, Date.now() - oldestMs) / 1000
      return lag === 0 ? 0 : undefined
    }),
  )
  registry.gauge(
    {
      name: 'sluice.lag',
      help: 'Events that are not completed, by partition; absent while it is not known.',
      unit: '{event}',
      labels: ['trigger', 'partition'],
      maxSeries: maxPartitionSeries,
    },
    partitions('lag'),
  )
  registry.gauge(
    {
      name: 'sluice.committed.offset',
      help: 'The next offset that a trigger would read after a crash, by partition.',
      unit: '{offset}',
      labels: ['trigger', 'partition'],
      maxSeries: maxPartitionSeries,
    },
    partitions('committed'),
  )
  registry.gauge(
    {
      name: 'sluice.dead_letters.stored',
      help: 'Dead letters that are kept, of triggers that exist.',
      unit: '{event}',
      labels: ['trigger'],
    },
    async () => {
      const kept = await view.store.countDeadLetters()
      const records = [
        ...[...view.triggers.running.values()].map(({ record }) => record),
        ...[...view.triggers.waiting.values()].map(({ record }) => record),
      ]
      return records.map(({ name, uid }) => [{ trigger: name }, kept.get(uid) ?? 0] as const)
    },
  )
}
