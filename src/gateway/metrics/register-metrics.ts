import type { GatewayView } from '../gateway-view.ts'
import { registerFunctionMetrics } from './function-metrics.ts'
import { registerSourceMetrics } from './source-metrics.ts'
import { registerStreamMetrics } from './stream-metrics.ts'
import { registerTriggerMetrics } from './trigger-metrics.ts'

/**
 * Registers the gateway's instruments. All are read when they are scraped: counting costs the hot path nothing, and what is
 * gone has no series. Nothing of the view but its registry is looked at before.
 */
export function registerMetrics(view: GatewayView): void {
  registerSourceMetrics(view)
  registerStreamMetrics(view)
  registerTriggerMetrics(view)
  registerFunctionMetrics(view)
  registerPauses(view)
}

const kinds = ['trigger', 'partition', 'key', 'version', 'source'] as const

function registerPauses({ metrics: registry, ...view }: GatewayView): void {
  registry.gauge(
    {
      name: 'sluice.pauses',
      help: 'Pauses in force, by what they are of: trigger, partition, key, version, source.',
      unit: '{pause}',
      labels: ['kind'],
    },
    function* () {
      const counts = new Map<string, number>()
      for (const { scope } of view.pauses.all) counts.set(scope.kind, (counts.get(scope.kind) ?? 0) + 1)
      for (const kind of kinds) yield [{ kind }, counts.get(kind) ?? 0] as const
    },
  )
  registry.gauge(
    {
      name: 'sluice.pause.age',
      help: 'How long the oldest pause of a kind has been in force, those of circuit breakers left out; absent without one.',
      unit: 's',
      labels: ['kind'],
    },
    function* () {
      const since = new Map<string, number>()
      for (const { scope, record } of view.pauses.all)
        if (record.failedProbes === undefined)
          since.set(scope.kind, Math.min(since.get(scope.kind) ?? Infinity, record.sinceMs))
      for (const [kind, sinceMs] of since) yield [{ kind }, Math.max(0, Date.now() - sinceMs) / 1000] as const
    },
  )
}
