import { useSignal } from '@preact/signals'
import type { AliasView } from '../../api/views/alias-view.ts'
import type { FunctionView, PoolView } from '../../api/views/function-view.ts'
import type { StatsView } from '../../api/views/stats-view.ts'
import type { VersionSummary } from '../../api/views/version-view.ts'
import { ago, count, duration, percent, time } from '../format.ts'
import { apiPath, ask } from '../gateway/client.ts'
import { refresh, useLive } from '../gateway/live.ts'
import { Badge } from '../parts/badge.tsx'
import { Chart } from '../parts/chart.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { tell } from '../parts/notice.tsx'
import { Figure, Figures, Section, WhenReady } from '../parts/states.tsx'
import { Table, type Column } from '../parts/table.tsx'
import { href } from '../router.ts'
import { FunctionLogs } from './function-logs.tsx'
import { InvokeForm } from './invoke-form.tsx'
import { seriesOf } from './stats-series.ts'

/** One function: what it does now and over time, its versions and aliases, its logs, and a way to try it. */
export function FunctionPage({ name }: { readonly name: string }) {
  const path = apiPath('functions', name)
  const live = useLive<FunctionView>(path)
  return (
    <WhenReady live={live} what={`function ${name}`}>
      {view => (
        <>
          <Title view={view} path={path} />
          <Stats name={name} />
          <Pools view={view} />
          <Versions view={view} />
          <InvokeForm view={view} />
          <FunctionLogs name={name} />
        </>
      )}
    </WhenReady>
  )
}

function Title({ view, path }: { readonly view: FunctionView; readonly path: string }) {
  const isAsking = useSignal(false)
  const { name, enabled, description, managedBy, updatedAtMs, triggers, detail } = view
  const verb = enabled ? 'Disable' : 'Enable'
  const change = async (): Promise<void> => {
    await ask('POST', `${path}/${verb.toLowerCase()}`)
    await refresh(path)
    tell(enabled ? `${name} is disabled: its events wait.` : `${name} is enabled.`)
  }
  return (
    <>
      <div class="title">
        <h1>
          {name} {!enabled && <Badge state="disabled" />}
        </h1>
        <div class="actions">
          <button type="button" onClick={() => (isAsking.value = true)}>
            {verb} …
          </button>
        </div>
      </div>
      <p class="path">
        {description !== '' && <span>{description} </span>}
        <span class="muted">
          changed {ago(updatedAtMs)} · managed by {managedBy}
        </span>
      </p>
      {detail !== undefined && <p class="failure">{detail}</p>}
      {triggers.length > 0 && (
        <p class="path">
          Run by{' '}
          {triggers.map(({ name: trigger, functionRef }, index) => (
            <span key={trigger}>
              {index > 0 && ', '}
              <a href={href('triggers', [trigger])}>{trigger}</a> <span class="muted">({functionRef})</span>
            </span>
          ))}
        </p>
      )}
      {isAsking.value && (
        <Dialog title={`${verb} ${name}?`} verb={verb} onConfirm={change} onClose={() => (isAsking.value = false)}>
          <p>{enabled ? 'Its triggers take nothing then: events wait, and none is lost.' : 'What waits runs then.'}</p>
        </Dialog>
      )}
    </>
  )
}

function Stats({ name }: { readonly name: string }) {
  const live = useLive<StatsView>(`${apiPath('functions', name, 'stats')}?window=900000`)
  return (
    <Section title="The last 15 minutes">
      <WhenReady live={live} what="its figures">
        {({ series, intervalMs }) => {
          const { times, invocations, failures, p50, p99, queueP99, cpuMs } = seriesOf(series)
          const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
          const all = sum(invocations)
          const failed = sum(failures)
          const perSecond = (value: number): number => (value * 1_000) / intervalMs
          return (
            <>
              <Figures>
                <Figure name="Invocations" value={count(all)} />
                <Figure
                  name="Failed"
                  value={all === 0 ? '–' : percent(failed / all)}
                  tone={failed > 0 ? 'bad' : undefined}
                  hint={count(failed)}
                />
                <Figure name="Median" value={duration(p50.findLast(value => value !== null))} />
                <Figure name="p99" value={duration(p99.findLast(value => value !== null))} />
                <Figure name="CPU time" value={duration(sum(cpuMs))} />
              </Figures>
              {times.length < 2 ? (
                <p class="muted">It did nothing yet.</p>
              ) : (
                <div class="charts">
                  <Chart
                    label="Invocations and failures per second"
                    times={times}
                    left={value => `${Number(value.toPrecision(3))}/s`}
                    series={[
                      { name: 'invocations', values: invocations.map(perSecond), color: 1, isFilled: true },
                      { name: 'failures', values: failures.map(perSecond), color: 4 },
                    ]}
                  />
                  <Chart
                    label="Durations"
                    times={times}
                    left={duration}
                    series={[
                      { name: 'median', values: p50, color: 3 },
                      { name: 'p99', values: p99, color: 1 },
                      { name: 'queue delay p99', values: queueP99, color: 2 },
                    ]}
                  />
                </div>
              )}
            </>
          )
        }}
      </WhenReady>
    </Section>
  )
}

const poolColumns: readonly Column<PoolView>[] = [
  { title: 'Version', cell: ({ version }) => version },
  {
    title: 'State',
    cell: ({ state, detail }) => (
      <span title={detail}>
        <Badge state={state} />
      </span>
    ),
  },
  { title: 'At work', cell: ({ busy, workers }) => `${busy} of ${workers}`, isNumber: true },
  {
    title: 'Limits',
    cell: ({ minWorkers, maxWorkers, concurrency }) => `${minWorkers}–${maxWorkers} workers, ${concurrency} at a time`,
    isExtra: true,
  },
  { title: 'A call takes', cell: ({ serviceTimeMs }) => duration(serviceTimeMs), isNumber: true },
  { title: 'Succeeded', cell: ({ succeeded }) => count(succeeded), isNumber: true, isExtra: true },
  { title: 'Failed', cell: ({ failed }) => count(failed), isNumber: true, isExtra: true },
]

function Pools({ view: { name, running } }: { readonly view: FunctionView }) {
  return (
    <Section
      title="Worker pools"
      actions={running[0] && <a href={href('scaling', [], { of: `${name}@${running[0].version}` })}>Why so many?</a>}
    >
      <Table
        label="Worker pools"
        columns={poolColumns}
        rows={running}
        keyOf={({ version, hash }) => `${version} ${hash}`}
        empty="None: nothing uses a version of it now."
      />
    </Section>
  )
}

const versionColumns: readonly Column<VersionSummary>[] = [
  { title: 'Version', cell: ({ version }) => version, isNumber: true },
  { title: 'Published', cell: ({ createdAtMs }) => time(createdAtMs) },
  { title: 'Description', cell: ({ description }) => description || '–' },
  { title: 'Content', cell: ({ hash }) => <code>{hash.slice(0, 12)}</code>, isExtra: true },
]

function Versions({ view: { versions, aliases, latestPublishedAs } }: { readonly view: FunctionView }) {
  return (
    <Section title="Versions and aliases">
      {aliases.map(alias => (
        <Alias key={alias.name} alias={alias} />
      ))}
      <p class="muted">
        latest{' '}
        {latestPublishedAs === null
          ? 'has changes that are not published'
          : `has the content of version ${latestPublishedAs}`}
        .
      </p>
      <Table
        label="Versions"
        columns={versionColumns}
        rows={versions}
        keyOf={({ version }) => String(version)}
        pageSize={10}
        empty="Nothing is published yet."
      />
    </Section>
  )
}

/** How the traffic of an alias is divided, as a bar. */
function Alias({ alias: { name, weights, rollout, problems, shadow } }: { readonly alias: AliasView }) {
  const words = weights.map(({ version, weight }) => `${version}: ${weight} %`).join(', ')
  return (
    <div class="alias">
      <strong>{name}</strong>
      <svg
        class="traffic"
        viewBox="0 0 100 6"
        preserveAspectRatio="none"
        role="img"
        aria-label={`Traffic of ${name}: ${words}`}
      >
        {weights.map(({ version, weight }, index) => {
          const before = weights.slice(0, index).reduce((sum, one) => sum + one.weight, 0)
          return <rect key={version} class={`series-${(index % 6) + 1}`} x={before} y="0" width={weight} height="6" />
        })}
      </svg>
      <span>{words}</span>
      {shadow !== null && (
        <span class="muted">
          shadow {shadow.version}: {shadow.percent} %
        </span>
      )}
      {rollout !== null && (
        <span class="muted">
          rollout to {rollout.to}: {rollout.state}
          {rollout.reason === null ? '' : `, ${rollout.reason}`}
        </span>
      )}
      {problems.map(problem => (
        <span key={problem} class="failure">
          {problem}
        </span>
      ))}
    </div>
  )
}
