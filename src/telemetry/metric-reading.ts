import type { HistogramSnapshot } from './histogram.ts'

/** A bounded set: names of sources, triggers, functions, partitions, reasons; never an id or anything a sender chooses. */
export type Labels = Readonly<Record<string, string>>

export interface InstrumentOptions {
  /** As OpenTelemetry has it, without a unit or `_total`: `sluice.events.received`, `process.cpu.time`. */
  readonly name: string
  readonly help: string
  /** In the notation of UCUM as OpenTelemetry uses it: `s`, `By`, `1` for a ratio, `{event}` for what is counted. */
  readonly unit?: string
  /** The labels that its series have, for the documentation; a label that only some of them have is one, too. */
  readonly labels?: readonly string[]
  /** More series are left out and counted. Default: that of the registry. */
  readonly maxSeries?: number
}

/** An instrument with the values that it has at one moment. */
export type InstrumentReading = InstrumentOptions &
  (
    | { readonly kind: 'counter' | 'gauge'; readonly series: readonly (readonly [Labels, number])[] }
    | { readonly kind: 'histogram'; readonly series: readonly (readonly [Labels, HistogramSnapshot])[] }
  )

export type InstrumentKind = InstrumentReading['kind']
