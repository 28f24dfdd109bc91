import type { HistogramSnapshot } from './histogram.ts'
import { prometheusLabel, prometheusName } from './metric-name.ts'
import type { InstrumentReading, Labels } from './metric-reading.ts'

export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * One family in the text format of Prometheus, version 0.0.4; '' without a series. Written here because OpenTelemetry's
 * serializer takes five times as long, in one
 * turn of the event loop: 340 ms for 20,000 counters and 3,000 histograms, in which no event goes on.
 */
export function prometheusFamily(reading: InstrumentReading): string {
  if (reading.series.length === 0) return ''
  const { name, unit = '', kind, help } = reading
  const family = prometheusName(name, unit, kind)
  let text = `# HELP ${family} ${escapeHelp(help)}\n# TYPE ${family} ${kind}\n`
  if (reading.kind === 'histogram') {
    for (const [labels, value] of reading.series) text += histogramLines(family, labelsText(labels), value)
    return text
  }
  for (const [labels, value] of reading.series) {
    const inner = labelsText(labels)
    text += inner === '' ? `${family} ${value}\n` : `${family}{${inner}} ${value}\n`
  }
  return text
}

function histogramLines(family: string, labels: string, { bounds, counts, count, sum }: HistogramSnapshot): string {
  const before = labels === '' ? '' : `${labels},`
  let text = ''
  let cumulative = 0
  for (let bucket = 0; bucket < bounds.length; bucket++) {
    cumulative += counts[bucket] as number
    text += `${family}_bucket{${before}le="${bounds[bucket] as number}"} ${cumulative}\n`
  }
  const braced = labels === '' ? '' : `{${labels}}`
  return `${text}${family}_bucket{${before}le="+Inf"} ${count}\n${family}_sum${braced} ${sum}\n${family}_count${braced} ${count}\n`
}

function labelsText(labels: Labels): string {
  let text = ''
  for (const name in labels) {
    if (text !== '') text += ','
    text += `${prometheusLabel(name)}="${escapeLabel(labels[name] as string)}"`
  }
  return text
}

const special = /[\\"\n]/

function escapeLabel(value: string): string {
  if (!special.test(value)) return value
  return value
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', String.raw`\\`).replaceAll('\n', String.raw`\n`)
}
