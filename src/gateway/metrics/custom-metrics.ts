import type { HistogramSnapshot } from '../../telemetry/histogram.ts'
import type { InstrumentReading, Labels } from '../../telemetry/metric-reading.ts'
import type { MetricsRegistry } from '../../telemetry/metrics-registry.ts'
import {
  customBuckets,
  seriesKey,
  type CustomMetricChange,
  type CustomMetricKind,
} from '../../workers/custom-metric.ts'

export interface CustomMetricBounds {
  /** Series of one function. Default 500. */
  readonly maxSeries?: number
  /** Names of one function. Default 50. */
  readonly maxNames?: number
  /** Series of all functions. Default 20,000. */
  readonly maxSeriesInAll?: number
}

interface Series {
  readonly kind: CustomMetricKind
  readonly name: string
  readonly labels: Labels
  value: number
  readonly counts: number[] | undefined
}

interface OfFunction {
  readonly series: Map<string, Series>
  readonly names: Set<string>
  readonly dropped: Record<DropReason, number>
}

type DropReason = 'worker' | 'series' | 'names' | 'kind'

/** As OpenTelemetry's SDK names what it could not keep apart. */
const overflow = [['otel_metric_overflow', 'true']] as const

/**
 * What functions measure themselves, added up over workers and versions. Bounded by function and in all: what is beyond is
 * counted in one series of its metric, so that sums stay right, and as dropped. A name belongs to the kind that came
 * first, whichever function it was.
 */
export class CustomMetrics {
  readonly #bounds: Required<CustomMetricBounds>
  readonly #functions = new Map<string, OfFunction>()
  readonly #kinds = new Map<string, CustomMetricKind>()
  #size = 0
  readonly #exists: (functionName: string) => boolean

  /** @param exists whether there is a function: one that is deleted has no series any more. */
  constructor(exists: (functionName: string) => boolean, bounds: CustomMetricBounds = {}) {
    this.#exists = exists
    this.#bounds = { maxSeries: 500, maxNames: 50, maxSeriesInAll: 20_000, ...bounds }
  }

  /** @param dropped changes that the worker could not keep. */
  changed(functionName: string, changes: readonly CustomMetricChange[], dropped = 0): void {
    const own = this.#functions.get(functionName) ?? {
      series: new Map<string, Series>(),
      names: new Set<string>(),
      dropped: { worker: 0, series: 0, names: 0, kind: 0 },
    }
    this.#functions.set(functionName, own)
    own.dropped.worker += dropped
    for (const change of changes) this.#apply(functionName, own, change)
  }

  register(registry: MetricsRegistry): void {
    registry.gauge(
      {
        name: 'sluice.function.metrics.series',
        help: 'Series of metrics that a function made itself.',
        unit: '{series}',
        labels: ['function'],
      },
      () => this.#living().map(([name, { series }]) => [{ function: name }, series.size] as const),
    )
    registry.counter(
      {
        name: 'sluice.function.metrics.dropped',
        help: 'Changes of such metrics that were not kept apart or not kept, by reason: worker (invalid, or too many at once), series, names, kind (the name is of another kind).',
        labels: ['function', 'reason'],
      },
      () =>
        this.#living().flatMap(([name, { dropped }]) =>
          Object.entries(dropped).map(([reason, count]) => [{ function: name, reason }, count] as const),
        ),
    )
    registry.more(() => this.#readings())
  }

  #apply(functionName: string, own: OfFunction, change: CustomMetricChange): void {
    const key = seriesKey(change)
    let series = own.series.get(key)
    if (series === undefined) {
      const { kind, name, labels } = change
      const reason = this.#refusal(own, change)
      if (reason !== undefined) own.dropped[reason]++
      // The last value of many different series says nothing.
      if (reason === 'names' || reason === 'kind' || (reason !== undefined && kind === 'gauge')) return
      const kept = reason === undefined ? labels : overflow
      const keptKey = reason === undefined ? key : seriesKey({ kind, name, labels: overflow })
      const counts = kind === 'histogram' ? new Array<number>(customBuckets.length + 1).fill(0) : undefined
      series = own.series.get(keptKey)
      if (series === undefined) {
        series = { kind, name, labels: { function: functionName, ...Object.fromEntries(kept) }, value: 0, counts }
        own.series.set(keptKey, series)
        own.names.add(name)
        this.#kinds.set(name, kind)
        this.#size++
      }
    }
    if (series.kind === 'gauge') series.value = change.value
    else series.value += change.value
    const { counts } = series
    if (counts !== undefined)
      for (const [at, count] of (change.counts ?? []).entries()) counts[at] = (counts[at] ?? 0) + count
  }

  /** Why a series that is new cannot be kept as it is. */
  #refusal({ series, names }: OfFunction, { kind, name }: CustomMetricChange): DropReason | undefined {
    if (!names.has(name) && names.size >= this.#bounds.maxNames) return 'names'
    if ((this.#kinds.get(name) ?? kind) !== kind) return 'kind'
    if (series.size >= this.#bounds.maxSeries || this.#size >= this.#bounds.maxSeriesInAll) return 'series'
    return undefined
  }

  /** A worker that ends late may have told of a function that is gone. */
  #living(): (readonly [string, OfFunction])[] {
    const gone = [...this.#functions.keys()].filter(name => !this.#exists(name))
    if (gone.length > 0) this.#forget(gone)
    return [...this.#functions]
  }

  #forget(functionNames: readonly string[]): void {
    for (const name of functionNames) this.#functions.delete(name)
    this.#kinds.clear()
    this.#size = 0
    for (const { series } of this.#functions.values()) {
      this.#size += series.size
      for (const { name, kind } of series.values()) this.#kinds.set(name, kind)
    }
  }

  *#readings(): Iterable<InstrumentReading> {
    const families = new Map<string, { readonly kind: CustomMetricKind; readonly series: Series[] }>()
    for (const [, { series }] of this.#living()) {
      for (const each of series.values()) {
        const family = families.get(each.name) ?? { kind: each.kind, series: [] }
        families.set(each.name, family)
        family.series.push(each)
      }
    }
    for (const [name, { kind, series }] of families) {
      const options = { name: customName(name), help: helpOf[kind], maxSeries: this.#bounds.maxSeriesInAll }
      if (kind === 'histogram')
        yield { ...options, kind, series: series.map(each => [each.labels, snapshotOf(each)] as const) }
      else yield { ...options, kind, series: series.map(each => [each.labels, each.value] as const) }
    }
  }
}

const helpOf: Readonly<Record<CustomMetricKind, string>> = {
  counter: 'Counted by functions themselves (context.metrics).',
  gauge: 'Told by functions themselves (context.metrics).',
  histogram: 'Recorded by functions themselves (context.metrics).',
}

/** Nothing of the gateway's own has this prefix. */
function customName(name: string): string {
  return `sluice.custom.${name}`
}

function snapshotOf({ counts = [], value }: Series): HistogramSnapshot {
  const count = (counts as readonly number[]).reduce((sum, each) => sum + each, 0)
  const last = (counts as readonly number[]).findLastIndex(each => each > 0)
  return { bounds: customBuckets, counts, count, sum: value, max: customBuckets[last] ?? customBuckets.at(-1) ?? 0 }
}
