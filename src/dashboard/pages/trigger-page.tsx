import { useSignal, type Signal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import type { PartitionView, TriggerView } from '../../api/views/trigger-view.ts'
import { ago, count, duration, rate, time } from '../format.ts'
import { apiPath } from '../gateway/client.ts'
import { useLive } from '../gateway/live.ts'
import { Rates } from '../gateway/rates.ts'
import { Badge } from '../parts/badge.tsx'
import { Chart, type Series } from '../parts/chart.tsx'
import { Figure, Figures, Section, WhenReady } from '../parts/states.tsx'
import { Table, type Column } from '../parts/table.tsx'
import { href } from '../router.ts'
import { DeadLetters } from './dead-letters.tsx'
import { DropParkedDialog, PauseDialog, ResumeDialog } from './pause-dialogs.tsx'
import { LagHistory } from './lag-history.ts'

type DialogName = 'pause' | 'resume' | 'drop'

/** One trigger: its lag by partition, what is parked and dead, and what can be done about it. */
export function TriggerPage({ name }: { readonly name: string }) {
  const live = useLive<TriggerView>(apiPath('triggers', name))
  const dialog = useSignal<DialogName | undefined>(undefined)
  const rates = useMemo(() => new Rates(), [name])
  const history = useMemo(() => new LagHistory(), [name])
  return (
    <WhenReady live={live} what={`trigger ${name}`}>
      {trigger => {
        const atMs = live.value.state === 'ready' ? live.value.atMs : 0
        history.take(trigger.partitions, atMs)
        rates.take('succeeded', atMs, trigger.succeeded)
        rates.take('failed', atMs, trigger.failed)
        return (
          <>
            <Title trigger={trigger} dialog={dialog} />
            <Troubles trigger={trigger} />
            <TriggerFigures trigger={trigger} rates={rates} />
            <Lag trigger={trigger} history={history} />
            <DeadLetters trigger={trigger} />
            {dialog.value === 'pause' && <PauseDialog trigger={trigger} onClose={() => (dialog.value = undefined)} />}
            {dialog.value === 'drop' && (
              <DropParkedDialog trigger={trigger} onClose={() => (dialog.value = undefined)} />
            )}
            {dialog.value === 'resume' && <ResumeDialog trigger={trigger} onClose={() => (dialog.value = undefined)} />}
          </>
        )
      }}
    </WhenReady>
  )
}

function Title({
  trigger,
  dialog,
}: {
  readonly trigger: TriggerView
  readonly dialog: Signal<DialogName | undefined>
}) {
  const { name, state, stream, functionRef, function: functionName, sinks, ordering, paused, parkedEvents } = trigger
  return (
    <>
      <div class="title">
        <h1>
          {name} <Badge state={state} />
        </h1>
        <div class="actions">
          {paused === null ? (
            <button type="button" onClick={() => (dialog.value = 'pause')}>
              Pause …
            </button>
          ) : (
            <>
              {parkedEvents > 0 && (
                <button type="button" class="dangerous" onClick={() => (dialog.value = 'drop')}>
                  Drop what is parked …
                </button>
              )}
              <button type="button" class="primary" onClick={() => (dialog.value = 'resume')}>
                Resume …
              </button>
            </>
          )}
        </div>
      </div>
      <p class="path">
        {stream} → <a href={href('functions', [functionName])}>{functionRef}</a>
        {sinks.length > 0 && ` → ${sinks.join(', ')}`}
        <span class="muted">
          {' '}
          · in order by {ordering === 'none' ? 'nothing' : ordering} · {trigger.delivery}
        </span>
      </p>
    </>
  )
}

function Troubles({ trigger: { paused, problem, detail, breaker } }: { readonly trigger: TriggerView }) {
  const sentences = new Set<string>()
  if (paused !== null) {
    const end = paused.expiresAtMs === null ? 'until somebody resumes it' : `until ${time(paused.expiresAtMs)}`
    sentences.add(`Paused by ${paused.by} ${ago(paused.sinceMs)}, ${end}: ${paused.reason}`)
  }
  if (breaker !== null && breaker.state !== 'closed') {
    const probe = breaker.probeAtMs === null ? '' : ` Single events are tried again at ${time(breaker.probeAtMs)}.`
    sentences.add(
      `Its circuit breaker is ${breaker.state}: ${breaker.failures} of ${breaker.attempts} attempts failed.${probe}`,
    )
  }
  if (problem !== null) sentences.add(problem)
  if (detail !== undefined) sentences.add(detail)
  if (sentences.size === 0) return null
  return (
    <ul class="troubles" role="status">
      {[...sentences].map(sentence => (
        <li key={sentence}>{sentence}</li>
      ))}
    </ul>
  )
}

function TriggerFigures({ trigger, rates }: { readonly trigger: TriggerView; readonly rates: Rates }) {
  const { lag, inFlight, parkedKeys, parkedEvents, deadLetters, retries, succeeded, failed } = trigger
  return (
    <Figures>
      <Figure name="Waiting" value={count(lag)} hint="Events that are not completed" />
      <Figure name="In flight" value={count(inFlight)} hint="Between reading and completion" />
      <Figure name="Completed" value={rate(rates.of('succeeded'))} hint={`${count(succeeded)} since the start`} />
      <Figure
        name="Failing"
        value={rate(rates.of('failed'))}
        tone={(rates.of('failed') ?? 0) > 0 ? 'bad' : undefined}
        hint={`${count(failed)} attempts since the start`}
      />
      <Figure name="Retries" value={count(retries)} hint="Attempts after the first, since the start" />
      <Figure
        name="Parked keys"
        value={count(parkedKeys)}
        tone={parkedKeys > 0 ? 'warning' : undefined}
        hint={`${count(parkedEvents)} events wait aside, so that their partitions flow on`}
      />
      <Figure name="Dead letters" value={count(deadLetters)} tone={deadLetters > 0 ? 'warning' : undefined} />
      {lag !== null && lag > 0 && (rates.of('succeeded') ?? 0) > 0 && (
        <Figure
          name="Time to drain"
          value={`≈ ${duration((lag / (rates.of('succeeded') ?? 1)) * 1_000)}`}
          hint="What waits, divided by the rate now"
        />
      )}
    </Figures>
  )
}

const partitionColumns: readonly Column<PartitionView>[] = [
  { title: 'Partition', cell: ({ partition }) => partition, sortBy: ({ partition }) => partition, isNumber: true },
  { title: 'Waiting', cell: ({ lag }) => count(lag), sortBy: ({ lag }) => lag, isNumber: true },
  { title: 'In flight', cell: ({ inFlight }) => count(inFlight), sortBy: ({ inFlight }) => inFlight, isNumber: true },
  { title: 'Committed', cell: ({ committed }) => count(committed), isNumber: true, isExtra: true },
  { title: 'End', cell: ({ end }) => count(end), isNumber: true, isExtra: true },
]

function Lag({ trigger, history }: { readonly trigger: TriggerView; readonly history: LagHistory }) {
  const { times } = history
  const series: Series[] = history.lines().map(({ name, values }, index) => ({ name, values, color: (index % 6) + 1 }))
  return (
    <Section title="Waiting by partition">
      {times.length < 2 ? (
        <p class="muted">The chart begins now: it shows what happens while this page is open.</p>
      ) : (
        <Chart label="Events that wait, by partition" times={times} series={series} height={190} />
      )}
      <Table
        label="Partitions"
        columns={partitionColumns}
        rows={trigger.partitions}
        keyOf={({ partition }) => String(partition)}
        pageSize={12}
        empty="It has no partition now: it does not run."
      />
    </Section>
  )
}
