import type {
  ScaledVersionView,
  ScalingDecisionView,
  ScalingSeriesView,
  ScalingView,
} from '../../api/views/scaling-view.ts'
import { bytes, count, duration, percent, rate, time, unknown } from '../format.ts'
import { useLive } from '../gateway/live.ts'
import { Badge } from '../parts/badge.tsx'
import { Chart } from '../parts/chart.tsx'
import { Figure, Figures, Section, WhenReady } from '../parts/states.tsx'
import { Table, type Column } from '../parts/table.tsx'
import { go, href, place } from '../router.ts'

const nameOf = (row: { readonly function: string; readonly version: string }): string =>
  `${row.function}@${row.version}`

const versionColumns: readonly Column<ScaledVersionView>[] = [
  {
    title: 'Version',
    cell: row => <a href={href('scaling', [], { of: nameOf(row) })}>{nameOf(row)}</a>,
    sortBy: nameOf,
  },
  { title: 'State', cell: ({ state }) => <Badge state={state} />, sortBy: ({ state }) => state, isExtra: true },
  {
    title: 'Workers',
    cell: ({ workers, permitted }) => `${workers} of ${permitted}`,
    sortBy: ({ workers }) => workers,
    isNumber: true,
  },
  {
    title: 'Waiting',
    cell: ({ inputs }) => count(inputs?.waiting),
    sortBy: ({ inputs }) => inputs?.waiting,
    isNumber: true,
  },
  {
    title: 'Arrivals',
    cell: ({ inputs }) => rate(inputs?.arrivalsPerS),
    sortBy: ({ inputs }) => inputs?.arrivalsPerS,
    isNumber: true,
    isExtra: true,
  },
  { title: 'Why', cell: ({ reason, problem }) => problem ?? reason },
]

const decisionColumns: readonly Column<ScalingDecisionView>[] = [
  { title: 'When', cell: ({ atMs }) => time(atMs) },
  { title: 'Version', cell: nameOf, isExtra: true },
  { title: 'Workers', cell: ({ from, to }) => `${from} → ${to}`, isNumber: true },
  { title: 'Why', cell: ({ reason }) => reason },
]

/** Workers and lag on one axis of time, with the reason of each decision. */
export function ScalingPage() {
  const live = useLive<ScalingView>('/v1/scaling?limit=200')
  return (
    <>
      <h1>Scaling</h1>
      <WhenReady live={live} what="the workers">
        {view => {
          const wanted = place.value.query.get('of')
          const shown = view.versions.find(row => nameOf(row) === wanted) ?? busiest(view)
          return (
            <>
              <Figures>
                <Figure name="Workers" value={count(view.versions.reduce((sum, { workers }) => sum + workers, 0))} />
                <Figure name="At work" value={count(view.versions.reduce((sum, { busy }) => sum + busy, 0))} />
                <Figure name="Cores" value={view.cores} />
                <Figure name="Memory for them" value={bytes(view.memoryMiB * 1_048_576)} />
              </Figures>
              {shown !== undefined && <One view={view} shown={shown} />}
              <Section title="Versions">
                <Table
                  label="Versions"
                  columns={versionColumns}
                  rows={view.versions}
                  keyOf={nameOf}
                  empty="No version is in use."
                />
              </Section>
            </>
          )
        }}
      </WhenReady>
    </>
  )
}

/** What was decided last is what one wants to see. */
function busiest({ versions, decisions }: ScalingView): ScaledVersionView | undefined {
  const last = decisions[0]
  return versions.find(row => last !== undefined && nameOf(row) === nameOf(last)) ?? versions[0]
}

function One({ view, shown }: { readonly view: ScalingView; readonly shown: ScaledVersionView }) {
  const name = nameOf(shown)
  const query = new URLSearchParams({ function: shown.function, version: shown.version, window: '900000' })
  const series = useLive<ScalingSeriesView>(`/v1/scaling/series?${query}`)
  const decisions = view.decisions.filter(decision => nameOf(decision) === name)
  const { inputs } = shown
  const choose = (event: Event): void =>
    go(href('scaling', [], { of: (event.currentTarget as HTMLSelectElement).value }))
  return (
    <Section
      title={`Workers and lag of ${name}`}
      actions={
        <select aria-label="Version" value={name} onChange={choose}>
          {view.versions.map(row => (
            <option key={nameOf(row)}>{nameOf(row)}</option>
          ))}
        </select>
      }
    >
      <p class="sentence">{shown.reason}</p>
      <WhenReady live={series} what="its history">
        {({ series: lines }) => {
          const points = lines[0]?.points ?? []
          if (points.length < 2) return <p class="muted">It had nothing to do in the last 15 minutes.</p>
          return (
            <Chart
              label={`Workers of ${name} and what waits for them`}
              times={points.map(({ atMs }) => atMs)}
              marks={decisions.map(({ atMs }) => atMs)}
              height={240}
              left={count}
              right={count}
              series={[
                { name: 'waiting', values: points.map(({ waiting }) => waiting), color: 2, isFilled: true },
                {
                  name: 'workers',
                  values: points.map(({ workers }) => workers),
                  color: 1,
                  axis: 'right',
                  isStep: true,
                },
                { name: 'at work', values: points.map(({ busy }) => busy), color: 3, axis: 'right', isStep: true },
              ]}
            />
          )
        }}
      </WhenReady>
      {inputs !== null && (
        <dl class="facts">
          {(
            [
              ['Arrivals', rate(inputs.arrivalsPerS)],
              ['Completed', rate(inputs.completedPerS)],
              ['A call takes', duration(inputs.serviceTimeMs)],
              ['CPU share of a call', percent(inputs.cpuShare)],
              ['Runnable keys', count(inputs.runnableKeys)],
              ['At a time per worker', count(inputs.concurrency)],
              ['Failing', percent(inputs.failureShare)],
              ['Limit', inputs.limit === null ? unknown : `${inputs.limit.workers}: ${inputs.limit.why}`],
            ] as const
          ).map(([fact, value]) => (
            <div key={fact}>
              <dt>{fact}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      <h3>Decisions of the last hour</h3>
      <Table
        label={`Decisions about ${name}`}
        columns={decisionColumns}
        rows={decisions}
        keyOf={({ atMs, from, to }) => `${atMs} ${from} ${to}`}
        pageSize={10}
        empty="Nothing was changed."
      />
    </Section>
  )
}
