import type { OverviewControl } from '../../api/overview-control.ts'
import type { ScalingControl } from '../../api/scaling-control.ts'
import type { StageControl } from '../../api/gateway-control.ts'
import type { TriggerControl } from '../../api/trigger-control.ts'
import { readVersion } from '../../read-version.ts'
import type { GatewayView } from '../gateway-view.ts'
import { currentProblems } from '../views/current-problems.ts'
import { overviewOf } from '../views/overview.ts'

/** The gateway in one answer, made of what the other controls answer. */
export function createOverviewControl(
  view: GatewayView,
  control: StageControl & TriggerControl & ScalingControl,
): OverviewControl {
  const version = readVersion()
  const startedAtMs = Math.round(performance.timeOrigin)
  return {
    async overview() {
      const everything = { limit: Number.MAX_SAFE_INTEGER }
      const [sources, streams, sinks, triggers, scaling] = await Promise.all([
        control.sources(),
        control.streams(),
        control.sinks(),
        control.triggers(everything),
        control.scaling({ limit: 0 }),
      ])
      const health = control.health()
      const fill = new Map<string, number>()
      for (const { name, log } of view.streams.values()) {
        const stream = view.config.streams.get(name)
        if (stream?.kind === 'home') fill.set(name, log.stats().bytes / stream.maxBytes)
      }
      const { versions, cores, atMs } = scaling
      const parts = { atMs, version, startedAtMs, cores, sources, streams, sinks, versions, triggers: triggers.items }
      return overviewOf({
        ...parts,
        ready: health.ready,
        functionCount: view.registry.state.functions.size,
        problems: currentProblems({ ...parts, health, fill, isDiskLow: view.reserve.isLow }),
      })
    },
  }
}
