import { customBuckets, maxLabelBytes, problemOf, type CustomMetricChange } from './custom-metric.ts'
import type { WorkerPoolOptions } from './pool-options.ts'
import type { SpanRecord } from '../telemetry/span-record.ts'
import type { FunctionLogEntry } from './worker-settings.ts'

const levels: ReadonlySet<unknown> = new Set(['trace', 'debug', 'info', 'warn', 'error'])

/** More are never posted at once. */
const maxChanges = 1_000

/** Passes on the log entries, spans and metrics that a worker posted; what does not look like them is dropped, it may be forged. */
export function receiveRecords(message: unknown, { onLog, onSpans, onMetrics }: WorkerPoolOptions): void {
  if (typeof message !== 'object' || message === null) return
  const { kind, entries, spans, changes, dropped } = message as Record<string, unknown>
  if (kind === 'log' && Array.isArray(entries) && onLog !== undefined) {
    for (const entry of entries as readonly unknown[]) if (isLogEntry(entry)) onLog(entry)
  }
  if (kind === 'spans' && Array.isArray(spans) && onSpans !== undefined) {
    const real = (spans as readonly unknown[]).filter(isSpan)
    if (real.length > 0) onSpans(real)
  }
  if (kind === 'metrics' && Array.isArray(changes) && onMetrics !== undefined) {
    const real = (changes as readonly unknown[]).slice(0, maxChanges).filter(isMetricChange)
    onMetrics(real, Number.isSafeInteger(dropped) ? Math.max(0, dropped as number) : 0)
  }
}

function isLogEntry(entry: unknown): entry is FunctionLogEntry {
  if (typeof entry !== 'object' || entry === null) return false
  const { timeMs, level, message } = entry as Partial<FunctionLogEntry>
  return typeof timeMs === 'number' && typeof message === 'string' && levels.has(level)
}

function isMetricChange(change: unknown): change is CustomMetricChange {
  if (typeof change !== 'object' || change === null) return false
  const { kind, name, labels, value, counts } = change as Partial<CustomMetricChange>
  if (typeof name !== 'string' || typeof value !== 'number' || !Array.isArray(labels) || !labels.every(isLabel))
    return false
  if (kind === 'histogram') {
    const isCount = (count: unknown): boolean => Number.isSafeInteger(count) && (count as number) >= 0
    if (!Array.isArray(counts) || counts.length !== customBuckets.length + 1 || !counts.every(isCount)) return false
  } else if (kind !== 'counter' && kind !== 'gauge') return false
  return problemOf({ kind, name, labels, value }) === undefined
}

function isLabel(label: unknown): label is readonly [string, string] {
  if (!Array.isArray(label) || label.length !== 2) return false
  const [name, value] = label as readonly unknown[]
  return typeof name === 'string' && typeof value === 'string' && value.length <= maxLabelBytes
}

function isSpan(span: unknown): span is SpanRecord {
  if (typeof span !== 'object' || span === null) return false
  const { traceId, spanId, name, startTimeMs, endTimeMs } = span as Partial<SpanRecord>
  return (
    typeof traceId === 'string' &&
    typeof spanId === 'string' &&
    typeof name === 'string' &&
    typeof startTimeMs === 'number' &&
    typeof endTimeMs === 'number'
  )
}
