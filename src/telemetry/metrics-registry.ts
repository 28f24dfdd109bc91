import { Breath } from './breath.ts'
import type { HistogramSnapshot } from './histogram.ts'
import { prometheusName } from './metric-name.ts'
import type { InstrumentKind, InstrumentOptions, InstrumentReading, Labels } from './metric-reading.ts'
import { prometheusContentType, prometheusFamily } from './prometheus-text.ts'

/** Called when metrics are read: counting is the owner's own number and costs the hot path nothing. */
export type Read<Value> = () => Iterable<readonly [Labels, Value]> | Promise<Iterable<readonly [Labels, Value]>>

/** Instruments whose names are not known beforehand; a name that an instrument has is not read. */
export type ReadMore = () => Iterable<InstrumentReading>

export interface Exposition {
  readonly contentType: string
  readonly body: string
}

export interface MetricsRegistryOptions {
  /** More series of one instrument are left out and counted. Default 10,000: a thousand functions with a reason each. */
  readonly maxSeries?: number
  /** An instrument that takes longer (lag of a broker that is away) is left out this time. Default 2 s. */
  readonly readTimeoutMs?: number
}

type Instrument = InstrumentOptions & { readonly kind: InstrumentKind; readonly read: Read<unknown> }
type Values = Iterable<readonly [Labels, unknown]>

const validName = /^[a-z][a-z0-9_.]*$/

/** The gateway's instruments. Prometheus text and OTLP come from the same readings. */
export class MetricsRegistry {
  readonly #instruments = new Map<string, Instrument>()
  readonly #more: ReadMore[] = []
  readonly #maxSeries: number
  readonly #readTimeoutMs: number
  #leftOut = 0
  #failures = 0

  constructor({ maxSeries = 10_000, readTimeoutMs = 2_000 }: MetricsRegistryOptions = {}) {
    this.#maxSeries = maxSeries
    this.#readTimeoutMs = readTimeoutMs
    this.counter(
      {
        name: 'sluice.metrics.series.left_out',
        help: 'Series left out of readings: too many of one metric, or the same twice.',
        unit: '{series}',
      },
      () => [[{}, this.#leftOut]],
    )
    this.counter(
      {
        name: 'sluice.metrics.read.failures',
        help: 'Metrics that could not be read in time and were left out of a reading.',
        unit: '{metric}',
      },
      () => [[{}, this.#failures]],
    )
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

  /** Instruments that somebody else makes while the gateway runs, such as functions. */
  more(read: ReadMore): void {
    this.#more.push(read)
  }

  /** What can be read, without reading it. */
  describe(): readonly (InstrumentOptions & { readonly kind: InstrumentKind })[] {
    return [...this.#instruments.values()].map(({ read: _read, ...options }) => options)
  }

  /** Reads all instruments. One that throws, or hangs, is left out and counted; the others are read. */
  async read(): Promise<readonly InstrumentReading[]> {
    const readings: InstrumentReading[] = []
    await this.#readEach(reading => readings.push(reading))
    return readings
  }

  /** Prometheus text, for `GET /metrics`. */
  async collect(): Promise<Exposition> {
    const families: string[] = []
    await this.#readEach(reading => families.push(prometheusFamily(reading)))
    return { contentType: prometheusContentType, body: families.join('') }
  }

  /** @throws {Error} for an invalid or taken name: a mistake in the program. */
  #add(instrument: Instrument): void {
    const { name, unit = '', kind } = instrument
    if (!validName.test(name))
      throw new Error(`${name} is no name for a metric: letters, digits, _ and . in lower case`)
    // Prometheus knows no dots: a.b and a_b are the same metric there.
    const key = prometheusName(name, unit, kind)
    if (this.#instruments.has(key)) throw new Error(`there is a metric ${name} already`)
    this.#instruments.set(key, instrument)
  }

  async #readEach(use: (reading: InstrumentReading) => void): Promise<void> {
    // All begin at once: those that ask somebody else wait together. A generator does nothing before its turn.
    const started = [...this.#instruments.values()].map(instrument => ({ instrument, values: this.#begin(instrument) }))
    const breath = new Breath()
    for (const { instrument, values } of started) {
      const { read: _read, ...options } = instrument
      try {
        const series = this.#checked(values instanceof Promise ? await values : values, options.maxSeries)
        use({ ...options, series } as InstrumentReading)
      } catch {
        this.#failures++
      }
      if (breath.isDue) await breath.take()
    }
    for (const more of this.#more) {
      for (const reading of more()) {
        const { name, unit = '', kind } = reading
        if (this.#instruments.has(prometheusName(name, unit, kind))) continue
        use({ ...reading, series: this.#checked(reading.series, reading.maxSeries) } as InstrumentReading)
        if (breath.isDue) await breath.take()
      }
    }
  }

  #begin({ read }: Instrument): Values | Promise<Values> {
    try {
      const result = read()
      if (!(result instanceof Promise)) return result
      const values = this.#inTime(result)
      // Awaited when it is its turn.
      values.catch(() => undefined)
      return values
    } catch (thrown) {
      const failed = Promise.reject<Values>(thrown as Error)
      failed.catch(() => undefined)
      return failed
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
  #checked(values: Values, maxSeries = this.#maxSeries): Values {
    const seen = new Set<string>()
    const series: (readonly [Labels, unknown])[] = []
    for (const entry of values) {
      const [labels, value] = entry
      if (typeof value === 'number' && !Number.isFinite(value)) continue
      const key = keyOf(labels)
      if (seen.has(key) || seen.size >= maxSeries) {
        this.#leftOut++
        continue
      }
      seen.add(key)
      series.push(entry)
    }
    return series
  }
}

/** The same for the same labels in any order. */
function keyOf(labels: Labels): string {
  const names = Object.keys(labels)
  if (names.length > 1) names.sort()
  let key = ''
  // With its length a value cannot be taken for the end of another one.
  for (const name of names) key += `${name}=${(labels[name] as string).length}:${labels[name] as string};`
  return key
}
