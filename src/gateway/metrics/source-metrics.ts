import type { SourceStats } from '../../sources/source.ts'
import type { GatewayView } from '../gateway-view.ts'

const sourceLabels = ['source', 'kind'] as const

/** What comes in, and what is refused. */
export function registerSourceMetrics({ metrics: registry, ...view }: GatewayView): void {
  const each = (value: (stats: SourceStats) => number) =>
    function* () {
      for (const [source, found] of view.sources) yield [{ source, kind: found.kind }, value(found.stats())] as const
    }
  registry.counter(
    { name: 'sluice.source.accepted', help: 'Events that became durable.', unit: '{event}', labels: sourceLabels },
    each(stats => stats.accepted),
  )
  registry.counter(
    {
      name: 'sluice.source.duplicates',
      help: 'Deliveries that were known already.',
      unit: '{event}',
      labels: sourceLabels,
    },
    each(stats => stats.duplicates),
  )
  registry.gauge(
    { name: 'sluice.source.running', help: '1 while the source takes events.', labels: sourceLabels },
    each(stats => (stats.state === 'running' ? 1 : 0)),
  )
  registry.gauge(
    { name: 'sluice.source.paused', help: '1 while the source is paused.', labels: sourceLabels },
    each(stats => (stats.state === 'paused' ? 1 : 0)),
  )
  registry.counter(
    {
      name: 'sluice.source.refused',
      help: 'Events that a source refused, by reason.',
      unit: '{event}',
      labels: [...sourceLabels, 'reason'],
    },
    function* () {
      for (const [source, found] of view.sources) {
        const { kind } = found
        for (const [reason, count] of Object.entries(found.stats().refused))
          yield [{ source, kind, reason }, count] as const
      }
    },
  )
  registry.counter(
    {
      name: 'sluice.mqtt.refused',
      help: 'What the MQTT broker refused before it came to a source, by reason.',
      labels: ['reason'],
    },
    function* () {
      for (const [reason, count] of Object.entries(view.broker?.refused ?? {})) yield [{ reason }, count] as const
    },
  )
}
