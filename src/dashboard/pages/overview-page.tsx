import type { OverviewView } from '../../api/views/overview-view.ts'
import { ago, count, duration, rate } from '../format.ts'
import { useLive } from '../gateway/live.ts'
import { ratePoints, rateOf, takeOverview } from '../gateway/overview-rates.ts'
import { Sparkline } from '../parts/sparkline.tsx'
import { Figure, Figures, Section, WhenReady } from '../parts/states.tsx'
import { toneOf } from '../parts/badge.tsx'
import { href } from '../router.ts'
import { Journey } from './journey.tsx'

/** What is wrong now, then the journey of the events with its rates. */
export function OverviewPage() {
  const live = useLive<OverviewView>('/v1/overview')
  return (
    <WhenReady live={live} what="the gateway">
      {view => {
        takeOverview(view)
        return (
          <>
            <h1 class="hidden">Overview</h1>
            <Totals view={view} />
            <Problems view={view} />
            <Section title="The journey of an event">
              <Journey view={view} />
            </Section>
          </>
        )
      }}
    </WhenReady>
  )
}

function Totals({ view }: { readonly view: OverviewView }) {
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  const isLagKnown = view.triggers.every(
    ({ lag, state }) => lag !== null || state === 'disabled' || state === 'stopped',
  )
  const lag = sum(view.triggers.map(trigger => trigger.lag ?? 0))
  const letters = sum(view.triggers.map(({ deadLetters }) => deadLetters))
  const failures = rateOf('all', 'failed') ?? 0
  const refusals = rateOf('all', 'refused') ?? 0
  return (
    <Figures>
      <Figure name="Accepted" value={rate(rateOf('all', 'accepted'))} hint="Events that sources acknowledged">
        <Sparkline points={ratePoints('all', 'accepted')} label="Accepted events per second over two minutes" />
      </Figure>
      <Figure name="Completed" value={rate(rateOf('all', 'succeeded'))} hint="Events that triggers have finished">
        <Sparkline points={ratePoints('all', 'succeeded')} label="Completed events per second over two minutes" />
      </Figure>
      <Figure
        name="Failing"
        value={rate(rateOf('all', 'failed'))}
        tone={failures > 0 ? 'bad' : undefined}
        hint="Attempts that failed"
      >
        <Sparkline points={ratePoints('all', 'failed')} label="Failed attempts per second over two minutes" />
      </Figure>
      <Figure name="Refused" value={rate(rateOf('all', 'refused'))} tone={refusals > 0 ? 'warning' : undefined} />
      <Figure
        name="Waiting"
        value={isLagKnown ? count(lag) : `≥ ${count(lag)}`}
        hint="Events that are accepted and not completed, over all triggers"
      />
      <Figure
        name="Workers at work"
        value={`${count(sum(view.pools.map(({ busy }) => busy)))} of ${count(sum(view.pools.map(({ workers }) => workers)))}`}
        hint={`They share ${view.cores} cores`}
      />
      <Figure name="Dead letters" value={count(letters)} tone={letters > 0 ? 'warning' : undefined} />
      <Figure name="Up for" value={duration(Math.floor(Math.max(0, view.atMs - view.startedAtMs) / 1_000) * 1_000)} />
    </Figures>
  )
}

const pageOf: Readonly<Record<string, string>> = { trigger: 'triggers', function: 'functions' }

function Problems({ view }: { readonly view: OverviewView }) {
  const { problems, problemCount, atMs } = view
  if (problems.length === 0)
    return (
      <div class="all-well" role="status">
        Nothing is wrong: everything that should run runs.
      </div>
    )
  return (
    <Section title="What is wrong now">
      <ul class="problems">
        {problems.map(({ severity, kind, name, sentence, sinceMs }) => {
          const page = pageOf[kind]
          return (
            <li key={`${kind} ${name} ${sentence}`} class={toneOf(severity)}>
              <span class="severity">{severity}</span>
              <span class="what">
                {kind} {page === undefined ? name : <a href={href(page, [name])}>{name}</a>}
              </span>
              <span class="sentence">
                {sentence}
                {sinceMs !== undefined && <span class="muted"> ({ago(sinceMs, atMs)})</span>}
              </span>
            </li>
          )
        })}
      </ul>
      {problemCount > problems.length && <p class="muted">And {count(problemCount - problems.length)} more.</p>}
    </Section>
  )
}
