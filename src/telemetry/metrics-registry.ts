import type { HistogramSnapshot } from './histogram.ts'

/** A bounded set: names of sources, triggers, functions, partitions, reasons; never an id or anything a sender chooses. */
export type Labels = Readonly<Record<string, string>>

export interface InstrumentOptions {
  /** `sluice_events_received` or, where OpenTelemetry has a name for it, `process.cpu.time`; without `_total`. */
  readonly name: string
  readonly help: string
  /** In the notation of UCUM as OpenTelemetry uses it: `s`, `ms`, `By`. */
  readonly unit?: string
}

/** Called when metrics are read: counting is the owner's own number and costs the hot path nothing. */
export type Read<Value> = () => Iterable<readonly [Labels, Value]> | Promise<Iterable<readonly [Labels, Value]>>

export type InstrumentReading = InstrumentOptions &
  (
    | { readonly kind: 'counter' | 'gauge'; readonly series: readonly (readonly [Labels, number])[] }
    | { readonly kind: 'histogram'; readonly series: readonly (readonly [Labels, HistogramSnapshot])[] }
  )

export interface Exposition {
  readonly contentType: string
  readonly body: string
}

export interface MetricsRegistryOptions {
  /** More series of one instrument are left out and counted. Default 2,000, as in the OpenTelemetry SDK. */
  readonly maxSeries?: number
  /** An instrument that takes longer (lag of a broker that is away) is left out this time. Default 2 s. */
  readonly readTimeoutMs?: number
}

type Instrument = InstrumentOptions & { readonly kind: InstrumentReading['kind']; readonly read: Read<unknown> }

const validName = /^[a-z][a-z0-9_.]*$/

/** The gateway's instruments. Prometheus text and OTLP come from the same readings. */
export class MetricsRegistry {
  readonly #instruments = new Map<string, Instrument>()
  readonly #maxSeries: number
  readonly #readTimeoutMs: number
  #leftOut = 0
  #failures = 0

  constructor({ maxSeries = 2_000, readTimeoutMs = 2_000 }: MetricsRegistryOptions = {}) {
    this.#maxSeries = maxSeries
    this.#readTimeoutMs = readTimeoutMs
    this.counter(
      { name: 'sluice_metrics_series_left_out', help: 'Series left out of readings: too many, or the same twice.' },
      () => [[{}, this.#leftOut]],
    )
    this.counter({ name: 'sluice_metrics_read_failures', help: 'Instruments that could not be read in time.' }, () => [
      [{}, this.#failures],
    ])
  }

  /** A number that only grows while the process lives. */
  counter(options: InstrumentOptions, read: Read<number>): void {
    this.#add({ ...options, kind: 'counter', read })
  }

  gauge(options: InstrumentOptions, read: Read<number>): void {
    this.#add({ ...options, kind: 'gauge', read })
  }

  histogram(options: InstrumentOptions, read: Read<HistogramSnapshot>): void {
    this.#add({ ...options, kind: 'histogram', read })
  }

  /** Reads all instruments. One that throws, or hangs, is left out and counted; the others are read. */
  async read(): Promise<readonly InstrumentReading[]> {
    const readings = await Promise.all([...this.#instruments.values()].map(instrument => this.#read(instrument)))
    return readings.filter(reading => reading !== undefined)
  }

  /** Prometheus text, for `GET /metrics`. */
  async collect(): Promise<Exposition> {
    // Loaded with the first scrape: a gateway that nobody scrapes does not pay for it.
    const { prometheusText } = await import('./otel-metrics.ts')
    return prometheusText(await this.read())
  }

  /** @throws {Error} for an invalid or taken name: a mistake in the program. */
  #add(instrument: Instrument): void {
    const { name } = instrument
    if (!validName.test(name))
      throw new Error(`${name} is no name for a metric: letters, digits, _ and . in lower case`)
    // Prometheus knows no dots: a.b and a_b are the same metric there.
    const key = name.replaceAll('.', '_')
    if (this.#instruments.has(key)) throw new Error(`there is a metric ${name} already`)
    this.#instruments.set(key, instrument)
  }

  async #read(instrument: Instrument): Promise<InstrumentReading | undefined> {
    const { read, ...options } = instrument
    try {
      const result = read()
      const values = result instanceof Promise ? await this.#inTime(result) : result
      return { ...options, series: this.#checked(values) } as InstrumentReading
    } catch {
      this.#failures++
      return undefined
    }
  }

  async #inTime<Value>(result: Promise<Value>): Promise<Value> {
    const { promise, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(reject, this.#readTimeoutMs, new Error('read takes too long'))
    try {
      return await Promise.race([result, promise])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Two series with the same labels would make Prometheus refuse the whole page, and NaN says nothing. */
  #checked<Value>(values: Iterable<readonly [Labels, Value]>): readonly (readonly [Labels, Value])[] {
    const seen = new Set<string>()
    const series: (readonly [Labels, Value])[] = []
    for (const entry of values) {
      const [labels, value] = entry
      if (typeof value === 'number' && !Number.isFinite(value)) continue
      const key = JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
      if (seen.has(key) || seen.size >= this.#maxSeries) {
        this.#leftOut++
        continue
      }
      seen.add(key)
      series.push(entry)
    }
    return series
  }
}
