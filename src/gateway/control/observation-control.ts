import type { ObservationControl } from '../../api/observation-control.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { GatewayView } from '../gateway-view.ts'
import { notFound } from '../invoke.ts'
import { logLineViewOf } from '../views/log-views.ts'

/** Figures and logs of functions. */
export function createObservationControl(view: GatewayView): ObservationControl {
  const { observations, registry, sampler } = view
  return {
    async stats(name, { version, windowMs }) {
      const record = registry.state.functions.get(name)
      if (record === undefined) throw notFound(name)
      const stats = await sampler.stats(name, windowMs, Date.now())
      if (version === undefined) return stats
      const isKnown = version === 'latest' || record.versions.has(Number(version))
      const totals = stats.totals.filter(entry => entry.version === version)
      if (!isKnown && totals.length === 0)
        throw new SluiceError('SLUICE_API_NOT_FOUND', `function ${name} has no version ${version}`)
      return { ...stats, totals, series: stats.series.filter(entry => entry.version === version) }
    },
    async logs(name, query) {
      const lines = await observations.logs({ function: name, ...query })
      if (lines.length === 0 && !registry.state.functions.has(name)) {
        const [any] = await observations.logs({ function: name, limit: 1 })
        if (any === undefined) throw notFound(name)
      }
      const last = lines.at(-1)
      return {
        items: lines.map(logLineViewOf),
        next: lines.length < query.limit || last === undefined ? null : last.id,
      }
    },
    followLogs: (name, _filter, onLines) =>
      observations.follow(lines => {
        const mine = lines.filter(line => line.function === name)
        if (mine.length > 0) onLines(mine.map(logLineViewOf))
      }),
  }
}
