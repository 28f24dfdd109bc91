import type { SeriesPoint, SimulationResult } from './simulation-result.ts'

/** One line of a chart; the same colour in all of its panels. */
interface Line {
  readonly label: string
  readonly colour: string
  readonly series: readonly SeriesPoint[]
}

interface Panel {
  readonly title: string
  readonly value: (point: SeriesPoint) => number
  /** Delays spread over decades. */
  readonly logarithmic?: boolean
  /** The same for all scalers. */
  readonly common?: boolean
  /** A number that stays until it changes. */
  readonly stepped?: boolean
}

/** Readable on white and on black, and apart from each other for eyes that see fewer colours (Okabe and Ito). */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b8860b', '#56b4e9']

const panels: readonly Panel[] = [
  { title: 'arrivals per second', value: point => point.arrivalsPerS, common: true },
  { title: 'workers', value: point => point.workers, stepped: true },
  { title: 'waiting events', value: point => point.lag },
  { title: 'p99 delay until the handler starts', value: point => point.p99DelayMs, logarithmic: true },
]

const width = 860
const left = 64
const right = 16
const panelHeight = 120
const panelGap = 38
const top = 66
const leastDelayMs = 1

/**
 * Draws what happened over time as an SVG document: one line per function, or per scaler where several results are
 * given of one load. Its background is transparent, and its text follows the reader's light or dark theme.
 */
export function drawChart(results: readonly SimulationResult[], title: string): string {
  const isComparison = results.length > 1
  const lines = results
    .flatMap(({ scaler, functions }) =>
      functions.map(({ name, series }) => ({
        label: !isComparison ? name : functions.length === 1 ? scaler : `${scaler}: ${name}`,
        series,
      })),
    )
    .map((line, index): Line => ({ ...line, colour: colours[index % colours.length] ?? '#888' }))
  const durationMs = Math.max(1, ...results.map(result => result.durationMs))
  const height = top + panels.length * (panelHeight + panelGap) + 8
  const firstLines = lines.slice(0, results[0]?.functions.length)
  const parts = panels.map((panel, index) =>
    drawPanel(panel, panel.common === true ? firstLines : lines, durationMs, top + index * (panelHeight + panelGap)),
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(title)}">`,
    '<style>text{font:12px system-ui,sans-serif;fill:#57606a}.title{font-size:15px;font-weight:600}.grid{stroke:#8b949e;stroke-opacity:.3}.axis{stroke:#8b949e}path{fill:none;stroke-width:1.6;stroke-linejoin:round}@media(prefers-color-scheme:dark){text{fill:#9aa4ae}}</style>',
    `<text class="title" x="${left}" y="20">${escape(title)}</text>`,
    legend(lines),
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}

function legend(lines: readonly Line[]): string {
  let x = left
  return lines
    .map(({ label, colour }) => {
      const text = `<rect x="${x}" y="30" width="12" height="3" fill="${colour}"/><text x="${x + 17}" y="36">${escape(label)}</text>`
      x += 34 + label.length * 7
      return text
    })
    .join('')
}

function drawPanel(panel: Panel, lines: readonly Line[], durationMs: number, y: number): string {
  const largest = Math.max(0, ...lines.flatMap(({ series }) => series.map(panel.value)))
  const ticks = panel.logarithmic === true ? decades(largest) : niceTicks(largest)
  const most = ticks.at(-1) ?? 1
  const height = (value: number): number => {
    if (panel.logarithmic !== true) return value / most
    return Math.log10(Math.max(value, leastDelayMs) / leastDelayMs) / Math.log10(most / leastDelayMs)
  }
  const atY = (value: number): number => y + panelHeight * (1 - height(value))
  const atX = (ms: number): number => left + ((width - left - right) * ms) / durationMs
  const unit = panel.logarithmic === true ? delay : short
  const grid = ticks.map(
    tick =>
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${round(atY(tick))}" y2="${round(atY(tick))}"/>` +
      `<text x="${left - 8}" y="${round(atY(tick) + 4)}" text-anchor="end">${unit(tick)}</text>`,
  )
  const times = timeTicks(durationMs).map(
    ms =>
      `<text x="${round(atX(ms))}" y="${y + panelHeight + 15}" text-anchor="middle">${clock(ms, durationMs)}</text>`,
  )
  const paths = lines.map(({ colour, series }) => `<path stroke="${colour}" d="${path(series, panel, atX, atY)}"/>`)
  const axis = `<line class="axis" x1="${left}" x2="${width - right}" y1="${y + panelHeight}" y2="${y + panelHeight}"/>`
  return [`<text x="${left}" y="${y - 7}">${panel.title}</text>`, ...grid, ...times, axis, ...paths].join('\n')
}

function path(
  series: readonly SeriesPoint[],
  { value, stepped }: Panel,
  atX: (ms: number) => number,
  atY: (value: number) => number,
): string {
  let text = ''
  let before = 0
  for (const [index, point] of series.entries()) {
    const x = round(atX(point.atMs))
    const next = round(atY(value(point)))
    // A line that stays needs no points.
    if (
      index > 0 &&
      next === before &&
      index < series.length - 1 &&
      round(atY(value(series[index + 1] ?? point))) === next
    )
      continue
    text +=
      index === 0 ? `M${x} ${next}` : stepped === true && next !== before ? `L${x} ${before}V${next}` : `L${x} ${next}`
    before = next
  }
  return text
}

/** Four or so round numbers up to the largest. */
function niceTicks(largest: number): number[] {
  if (!(largest > 0)) return [0, 1]
  const raw = largest / 4
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = Math.max(([1, 2, 2.5, 5, 10].find(factor => factor * power >= raw) ?? 10) * power, largest < 4 ? 0.5 : 0)
  const count = Math.ceil(largest / step - 1e-9)
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)))
}

function decades(largest: number): number[] {
  const ticks = [leastDelayMs, leastDelayMs * 10]
  while ((ticks.at(-1) ?? Infinity) < largest) ticks.push((ticks.at(-1) ?? 1) * 10)
  return ticks
}

function timeTicks(durationMs: number): number[] {
  const steps = [1, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 604_800]
  const step = (steps.find(s => durationMs / 1000 / s <= 10) ?? 604_800) * 1000
  return Array.from({ length: Math.floor(durationMs / step) + 1 }, (_, index) => index * step)
}

function clock(ms: number, durationMs: number): string {
  const seconds = Math.round(ms / 1000)
  if (durationMs < 120_000) return `${seconds} s`
  const pad = (value: number): string => String(value).padStart(2, '0')
  if (durationMs < 7_200_000) return `${Math.floor(seconds / 60)}:${pad(seconds % 60)}`
  return `${Math.floor(seconds / 3_600)}:${pad(Math.floor(seconds / 60) % 60)} h`
}

function delay(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${ms / 1000} s`
}

function short(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`
  return value >= 10_000 ? `${Number((value / 1e3).toPrecision(3))} k` : String(Number(value.toPrecision(4)))
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
