import type { BucketBounds } from '../telemetry/histogram.ts'

export type CustomMetricKind = 'counter' | 'gauge' | 'histogram'

/** What happened to one series of a function's own metric since it was posted last. */
export interface CustomMetricChange {
  readonly kind: CustomMetricKind
  readonly name: string
  /** Pairs of name and value, ordered by name. */
  readonly labels: readonly (readonly [string, string])[]
  /** What a counter grew by, or the last value of a gauge; the sum of what a histogram recorded. */
  readonly value: number
  /** Of a histogram: what each bucket got, the overflow last. */
  readonly counts?: readonly number[]
}

/** Without knowing what is measured: 1-2-5 from a thousandth to a hundred thousand. */
export const customBuckets: BucketBounds = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000,
  20_000, 50_000, 100_000,
]

/** Longer values of labels are cut: they would be no bounded set. */
export const maxLabelBytes = 128
const maxLabels = 8

const nameForm = /^[a-z][a-z0-9_]{0,62}[a-z0-9]$/
const labelForm = /^[a-z][a-z0-9_]{0,31}$/
/** Prometheus gives these to families itself. */
const reservedEnding = /_(?:total|count|sum|bucket|info|created)$/
const reservedLabels: ReadonlySet<string> = new Set(['function', 'le', 'quantile', 'otel_metric_overflow'])

/** What is wrong with a metric of a function; undefined when it can be kept. Also asked of what a worker posts. */
export function problemOf({ kind, name, labels, value }: CustomMetricChange): string | undefined {
  if (!nameForm.test(name)) return 'a name has 2 to 64 lower-case letters, digits and _, a letter first'
  if (reservedEnding.test(name)) return `a name does not end in ${(reservedEnding.exec(name) as RegExpExecArray)[0]}`
  if (!Number.isFinite(value)) return 'its value is no finite number'
  if (kind === 'counter' && value < 0) return 'a counter never falls'
  if (labels.length > maxLabels) return `it has more than ${maxLabels} labels`
  for (const [label] of labels) {
    if (!labelForm.test(label)) return `${JSON.stringify(label.slice(0, 40))} is no name for a label`
    if (reservedLabels.has(label)) return `the label ${label} belongs to the gateway`
  }
  return undefined
}

/** The same for the same series. */
export function seriesKey({ kind, name, labels }: Pick<CustomMetricChange, 'kind' | 'name' | 'labels'>): string {
  return JSON.stringify([kind, name, labels])
}
