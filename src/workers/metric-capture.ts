import {
  customBuckets,
  maxLabelBytes,
  problemOf,
  seriesKey,
  type CustomMetricChange,
  type CustomMetricKind,
} from './custom-metric.ts'
import type { HandlerMetrics, MetricLabels } from './handler-types.ts'
import { cutMasked } from './invocation-error.ts'
import type { LogCapture } from './log-capture.ts'
import type { SecretMask } from './secret-mask.ts'

/** Series that may wait to be posted; what a function records beyond is dropped and counted. */
const maxPending = 1_000
/** A handler that runs for long posts meanwhile. */
const postIntervalMs = 100
/** Different mistakes that are told; each once, so that one in a loop does not flood the log. */
const maxTold = 20

interface Pending {
  readonly kind: CustomMetricKind
  readonly name: string
  readonly labels: CustomMetricChange['labels']
  value: number
  readonly counts?: number[]
}

/**
 * Adds up what a function measures and posts the sums: at the end of a frame, and every 100 ms in a long one. What a worker
 * has not posted when it is killed is lost. A mistake never fails an attempt: it is told in the function's log.
 */
export class MetricCapture implements HandlerMetrics {
  readonly #post: (changes: readonly CustomMetricChange[], dropped: number) => void
  readonly #logs: LogCapture
  readonly #mask: SecretMask
  readonly #told = new Set<string>()
  #pending = new Map<string, Pending>()
  #dropped = 0
  #postedAt = 0

  constructor(
    post: (changes: readonly CustomMetricChange[], dropped: number) => void,
    logs: LogCapture,
    mask: SecretMask,
  ) {
    this.#post = post
    this.#logs = logs
    this.#mask = mask
    // A function may take them out of its context: `const { count } = context.metrics`.
    this.count = this.count.bind(this)
    this.gauge = this.gauge.bind(this)
    this.record = this.record.bind(this)
  }

  count(name: string, value = 1, labels?: MetricLabels): void {
    const pending = this.#of('counter', name, value, labels)
    if (pending !== undefined) pending.value += value
  }

  gauge(name: string, value: number, labels?: MetricLabels): void {
    const pending = this.#of('gauge', name, value, labels)
    if (pending !== undefined) pending.value = value
  }

  record(name: string, value: number, labels?: MetricLabels): void {
    const pending = this.#of('histogram', name, value, labels)
    const counts = pending?.counts
    if (pending === undefined || counts === undefined) return
    pending.value += value
    let bucket = 0
    while (bucket < customBuckets.length && value > (customBuckets[bucket] as number)) bucket++
    counts[bucket] = (counts[bucket] as number) + 1
  }

  flush(): void {
    if (this.#pending.size === 0 && this.#dropped === 0) return
    this.#postedAt = performance.now()
    const changes = [...this.#pending.values()]
    const dropped = this.#dropped
    this.#pending = new Map()
    this.#dropped = 0
    this.#post(changes, dropped)
  }

  #of(kind: CustomMetricKind, name: string, value: number, given: MetricLabels | undefined): Pending | undefined {
    try {
      const labels = given === undefined ? [] : this.#labelsOf(given)
      const problem = typeof name === 'string' ? problemOf({ kind, name, labels, value }) : 'a name is a string'
      if (problem !== undefined) return this.#refuse(name, problem)
      const key = seriesKey({ kind, name, labels })
      let pending = this.#pending.get(key)
      if (pending === undefined) {
        if (this.#pending.size >= maxPending) {
          this.#dropped++
          return undefined
        }
        const counts =
          kind === 'histogram' ? { counts: new Array<number>(customBuckets.length + 1).fill(0) } : undefined
        pending = { kind, name, labels, value: 0, ...counts }
        this.#pending.set(key, pending)
      }
      // The caller adds to it right after this; what is posted meanwhile is what was there before.
      if (performance.now() - this.#postedAt > postIntervalMs) queueMicrotask(() => this.flush())
      return pending
    } catch {
      return this.#refuse(name, 'its labels cannot be read')
    }
  }

  #labelsOf(given: MetricLabels): (readonly [string, string])[] {
    const labels: [string, string][] = []
    for (const [label, value] of Object.entries(given))
      if (value !== undefined) labels.push([label, cutMasked(String(value), maxLabelBytes, this.#mask)])
    return labels.sort(([a], [b]) => (a < b ? -1 : 1))
  }

  #refuse(name: unknown, problem: string): undefined {
    this.#dropped++
    const told = `the metric ${JSON.stringify(String(name).slice(0, 80))} is not kept: ${problem}`
    if (this.#told.has(told) || this.#told.size >= maxTold) return
    this.#told.add(told)
    this.#logs.log('warn', told)
  }
}
