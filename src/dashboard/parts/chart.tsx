import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { clockTime, count, unknown } from '../format.ts'

export interface Series {
  readonly name: string
  /** By time, null where it is not known. */
  readonly values: readonly (number | null)[]
  /** Number of the colour, 1 to 6. */
  readonly color: number
  /** Which axis it is read from; default left. */
  readonly axis?: 'left' | 'right'
  readonly isFilled?: boolean
  /** A step holds until the next value, as a number of workers does. */
  readonly isStep?: boolean
}

export interface ChartProps {
  /** What it shows, for those who do not see it. */
  readonly label: string
  /** ms since the epoch, ascending. */
  readonly times: readonly number[]
  readonly series: readonly Series[]
  /** How values of each axis are written. */
  readonly left?: (value: number) => string
  readonly right?: (value: number) => string
  /** Vertical lines. */
  readonly marks?: readonly number[]
  /** Default 200. */
  readonly height?: number
}

/** Lines over time. Built once for its series; new points only replace the data. */
export function Chart(props: ChartProps) {
  const holder = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | undefined>(undefined)
  const latest = useRef(props)
  latest.current = props
  const shape = props.series.map(({ name, color, axis }) => `${name} ${color} ${axis ?? ''}`).join()

  useEffect(() => {
    const element = holder.current
    if (element === null) return
    const build = (): void => {
      chart.current?.destroy()
      chart.current = new uPlot(optionsOf(latest, element), dataOf(latest.current), element)
    }
    build()
    const resized = new ResizeObserver(() => {
      const { current } = chart
      if (current !== undefined && current.width !== element.clientWidth && element.clientWidth > 0)
        current.setSize({ width: element.clientWidth, height: latest.current.height ?? 200 })
    })
    resized.observe(element)
    // Colours are drawn, so that they do not follow by themselves.
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    scheme.addEventListener('change', build)
    return () => {
      resized.disconnect()
      scheme.removeEventListener('change', build)
      chart.current?.destroy()
      chart.current = undefined
    }
  }, [shape])

  useEffect(() => chart.current?.setData(dataOf(props)))

  const last = props.series.map(({ name, values, axis }) => {
    const value = values.findLast(one => one !== null)
    const write = (axis === 'right' ? props.right : props.left) ?? count
    return `${name} ${value === undefined || value === null ? 'not known' : write(value)}`
  })
  return <div ref={holder} class="chart" role="img" aria-label={`${props.label}: ${last.join(', ')}`} />
}

const dataOf = ({ times, series }: ChartProps): uPlot.AlignedData =>
  [times.map(atMs => atMs / 1_000), ...series.map(({ values }) => [...values])] as uPlot.AlignedData

function optionsOf(latest: { readonly current: ChartProps }, element: HTMLElement): uPlot.Options {
  const { series, height = 200, left = count, right } = latest.current
  const style = getComputedStyle(element)
  const color = (name: string): string => style.getPropertyValue(name).trim()
  const axis = {
    stroke: color('--muted'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui',
  }
  const write = (format: (value: number) => string) => (_: uPlot, values: number[]) =>
    values.map(value => format(value))
  return {
    width: element.clientWidth || 300,
    height,
    cursor: { y: false, points: { size: 6 } },
    legend: { live: true },
    scales: {
      left: { range: (_, __, max) => [0, Math.max(1e-6, max * 1.1)] },
      right: { range: (_, __, max) => [0, Math.max(1e-6, max * 1.1)] },
    },
    axes: [
      { ...axis, space: 80, values: (_, seconds) => seconds.map(second => clockTime(second * 1_000)) },
      { ...axis, scale: 'left', values: write(left), size: 60, incrs: stepsOf(left) },
      ...(right === undefined
        ? []
        : [
            {
              ...axis,
              scale: 'right',
              side: 1 as const,
              values: write(right),
              size: 60,
              incrs: stepsOf(right),
              grid: { show: false },
            },
          ]),
    ],
    series: [
      { label: 'Time', value: (_, seconds) => (seconds === null ? 'now' : clockTime(seconds * 1_000)) },
      ...series.map(({ name, color: number, axis: side = 'left', isFilled, isStep }) => {
        const format = side === 'right' ? (right ?? count) : left
        const stepped = isStep === true ? uPlot.paths.stepped?.({ align: 1 }) : undefined
        return {
          label: name,
          scale: side,
          stroke: color(`--series-${number}`),
          width: 1.5,
          points: { show: false },
          // Without a cursor the latest value is shown.
          value: (plot: uPlot, value: number | null, index: number) => {
            const values = plot.data[index] as readonly (number | null | undefined)[] | undefined
            const shown = value ?? (plot.cursor.idx == null ? values?.findLast(one => one != null) : null)
            return shown == null ? unknown : format(shown)
          },
          ...(isFilled === true ? { fill: `${color(`--series-${number}`)}22` } : {}),
          ...(stepped === undefined ? {} : { paths: stepped }),
        }
      }),
    ],
    hooks: { draw: [plot => drawMarks(plot, latest.current.marks ?? [], color('--muted'))] },
  }
}

/** Counts have no parts: an axis of them steps by whole numbers. */
const stepsOf = (format: (value: number) => string): number[] =>
  (format === count ? [1, 2, 5] : [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]).concat(
    Array.from({ length: 12 }, (_, power) => [10, 20, 50].map(step => step * 10 ** power)).flat(),
  )

function drawMarks(plot: uPlot, marks: readonly number[], stroke: string): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.strokeStyle = stroke
  ctx.setLineDash([3, 3])
  for (const atMs of marks) {
    const x = plot.valToPos(atMs / 1_000, 'x', true)
    if (x < bbox.left || x > bbox.left + bbox.width) continue
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
  }
  ctx.restore()
}
