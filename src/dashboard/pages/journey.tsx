import type { OverviewView } from '../../api/views/overview-view.ts'
import { count, rate } from '../format.ts'
import { rateOf } from '../gateway/overview-rates.ts'
import { toneOf } from '../parts/badge.tsx'
import { href } from '../router.ts'
import { layoutJourney, type JourneyLayout, type Station } from './journey-layout.ts'

/** Heights of the picture in px; the style sheet has the same. */
const boxHeight = 58
const gap = 14

const stationRate = ({ rate: of }: Station): number | undefined => (of === undefined ? undefined : rateOf(of[0], of[1]))

/** The journey as a picture: a column for each stage, a line where events are handed on, thicker where there are more. */
export function Journey({ view }: { readonly view: OverviewView }) {
  const layout = layoutJourney(view, stationRate)
  if (layout.columns.every(({ stations }) => stations.length === 0))
    return (
      <div class="empty">
        No source and no trigger yet. Declare them in the configuration, or run <code>sluice deploy</code>.
      </div>
    )
  const rows = Math.max(...layout.columns.map(({ stations, hidden }) => stations.length + (hidden > 0 ? 0.5 : 0)))
  const height = rows * (boxHeight + gap) - gap
  return (
    <div class="journey">
      <Lines layout={layout} height={height} />
      {layout.columns.map(({ title, kind, stations, hidden }) => (
        <div key={title} class={`column ${kind}`}>
          <h3>{title}</h3>
          <ul>
            {stations.map(station => (
              <li key={station.id}>
                <Box station={station} />
              </li>
            ))}
            {stations.length === 0 && <li class="muted none">none</li>}
          </ul>
          {hidden > 0 && <More kind={kind} hidden={hidden} />}
        </div>
      ))}
    </div>
  )
}

function More({ kind, hidden }: { readonly kind: Station['kind']; readonly hidden: number }) {
  const text = `and ${count(hidden)} more`
  const page = kind === 'trigger' ? 'triggers' : kind === 'pool' ? 'functions' : undefined
  return <p class="more">{page === undefined ? text : <a href={href(page)}>{text}</a>}</p>
}

function Box({ station }: { readonly station: Station }) {
  const { kind, name, note, state } = station
  const content = (
    <>
      <span class={`dot ${toneOf(state)}`} aria-hidden="true" />
      <span class="name">{name}</span>
      <span class="rate">{station.rate === undefined ? '' : rate(stationRate(station))}</span>
      <span class="note">{state === 'running' || state === 'ready' ? note : `${state} · ${note}`}</span>
    </>
  )
  const className = `station ${toneOf(state)} ${station.trouble > 0 ? 'troubled' : ''} ${station.hasFailures ? 'failing' : ''}`
  if (kind === 'trigger')
    return (
      <a class={className} href={href('triggers', [name])}>
        {content}
      </a>
    )
  if (kind === 'pool')
    return (
      <a class={className} href={href('functions', [name.split('@', 1)[0] ?? name])}>
        {content}
      </a>
    )
  return <div class={className}>{content}</div>
}

/** The picture is 100 units wide, so that it stretches with the columns; lines keep their width. */
function Lines({ layout, height }: { readonly layout: JourneyLayout; readonly height: number }) {
  const places = new Map<string, { readonly column: number; readonly y: number; readonly station: Station }>()
  layout.columns.forEach(({ stations }, column) =>
    stations.forEach((station, row) =>
      places.set(station.id, { column, y: row * (boxHeight + gap) + boxHeight / 2, station }),
    ),
  )
  // Five columns of 17 units with 3.75 between them.
  const left = (column: number): number => column * 20.75
  return (
    <svg class="lines" viewBox={`0 0 100 ${height}`} height={height} preserveAspectRatio="none" aria-hidden="true">
      {layout.links.map(({ from, to }) => {
        const start = places.get(from)
        const end = places.get(to)
        if (start === undefined || end === undefined) return null
        // A station may have more than one way in and out: what flows here is at most what both know of.
        const known = [start, end].map(({ station }) => stationRate(station)).filter(one => one !== undefined)
        const perSecond = known.length === 0 ? 0 : Math.min(...known)
        const x1 = left(start.column) + 17
        const x2 = left(end.column)
        const bend = (x2 - x1) / 2
        return (
          <path
            key={`${from} ${to}`}
            d={`M${x1},${start.y} C${x1 + bend},${start.y} ${x2 - bend},${end.y} ${x2},${end.y}`}
            class={perSecond > 0 ? 'flowing' : ''}
            stroke-width={1.5 + Math.min(5, Math.log10(1 + perSecond) * 1.4)}
            vector-effect="non-scaling-stroke"
          />
        )
      })}
    </svg>
  )
}
