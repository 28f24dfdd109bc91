import type { InstrumentKind } from './metric-reading.ts'

/** Units of UCUM, as OpenTelemetry writes them, and what Prometheus puts behind a name for them. */
const suffixes: Readonly<Record<string, string>> = {
  s: 'seconds',
  ms: 'milliseconds',
  By: 'bytes',
  '1': 'ratio',
  '%': 'percent',
}

/**
 * The name of an instrument in Prometheus, by the rules of OpenTelemetry: `sluice.event.duration` in `s` becomes
 * `sluice_event_duration_seconds`, a counter ends in `_total`. What is counted (`{event}`) is no unit there.
 */
export function prometheusName(name: string, unit: string, kind: InstrumentKind): string {
  let text = name.replaceAll('.', '_')
  const suffix = unit === '1' && kind !== 'gauge' ? undefined : suffixes[unit]
  if (suffix !== undefined && !text.endsWith(`_${suffix}`)) text += `_${suffix}`
  return kind === 'counter' ? `${text}_total` : text
}

/** The name of an attribute as a label. */
export function prometheusLabel(name: string): string {
  return name.replaceAll('.', '_')
}
