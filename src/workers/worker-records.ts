import type { WorkerPoolOptions } from './pool-options.ts'
import type { SpanRecord } from '../telemetry/span-record.ts'
import type { FunctionLogEntry } from './worker-settings.ts'

const levels: ReadonlySet<unknown> = new Set(['trace', 'debug', 'info', 'warn', 'error'])

/** Passes on the log entries and spans that a worker posted; what does not look like them is dropped, it may be forged. */
export function receiveRecords(message: unknown, { onLog, onSpans }: WorkerPoolOptions): void {
  if (typeof message !== 'object' || message === null) return
  const { kind, entries, spans } = message as { kind?: unknown; entries?: unknown; spans?: unknown }
  if (kind === 'log' && Array.isArray(entries) && onLog !== undefined) {
    for (const entry of entries as readonly unknown[]) if (isLogEntry(entry)) onLog(entry)
  }
  if (kind === 'spans' && Array.isArray(spans) && onSpans !== undefined) {
    const real = (spans as readonly unknown[]).filter(isSpan)
    if (real.length > 0) onSpans(real)
  }
}

function isLogEntry(entry: unknown): entry is FunctionLogEntry {
  if (typeof entry !== 'object' || entry === null) return false
  const { timeMs, level, message } = entry as Partial<FunctionLogEntry>
  return typeof timeMs === 'number' && typeof message === 'string' && levels.has(level)
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
