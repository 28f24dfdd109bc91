import { useSignal } from '@preact/signals'
import type { DeadLetterPage, DeadLetterView } from '../../api/views/dead-letter-view.ts'
import type { RedrivePlanView, RedriveView } from '../../api/views/redrive-view.ts'
import type { TriggerView } from '../../api/views/trigger-view.ts'
import { bytes, count, plural, time } from '../format.ts'
import { apiPath, ask } from '../gateway/client.ts'
import { refresh, useLive } from '../gateway/live.ts'
import { Dialog, textOf } from '../parts/dialog.tsx'
import { doAndTell, tell } from '../parts/notice.tsx'
import { Section, WhenReady } from '../parts/states.tsx'
import { Table, type Column } from '../parts/table.tsx'
import { href } from '../router.ts'
import { textOfData } from './event-data.ts'

interface Chosen {
  readonly action: 'redrive' | 'delete'
  /** undefined: all that match. */
  readonly letter?: DeadLetterView
}

/** Dead letters of a trigger: look, filter, give them again, delete. */
export function DeadLetters({ trigger: { name } }: { readonly trigger: TriggerView }) {
  const reason = useSignal('')
  const text = useSignal('')
  const open = useSignal<number | undefined>(undefined)
  const chosen = useSignal<Chosen | undefined>(undefined)
  const filter = {
    ...(reason.value === '' ? {} : { reason: reason.value }),
    ...(text.value === '' ? {} : { text: text.value }),
  }
  const base = apiPath('triggers', name, 'dead-letters')
  const path = `${base}?${new URLSearchParams({ limit: '100', ...filter })}`
  const live = useLive<DeadLetterPage>(path)
  const redrivesPath = apiPath('triggers', name, 'redrives')
  const redrives = useLive<{ readonly items: readonly RedriveView[] }>(redrivesPath).value
  const running = redrives.state === 'ready' ? redrives.view.items.filter(({ state }) => state === 'running') : []
  const seenReasons = useSignal<readonly string[]>([])
  const changed = async (): Promise<void> => {
    await Promise.all([refresh(path), refresh(redrivesPath)])
  }
  const columns: readonly Column<DeadLetterView>[] = [
    { title: 'When', cell: ({ createdAtMs }) => time(createdAtMs) },
    { title: 'Event', cell: letter => <EventLink letter={letter} /> },
    { title: 'Key', cell: ({ key }) => key, isExtra: true },
    {
      title: 'Reason',
      cell: ({ reason: why, message }) => (
        <span title={message}>
          {why}: {message.slice(0, 120)}
        </span>
      ),
    },
    { title: 'Attempts', cell: ({ attempts }) => count(attempts), isNumber: true, isExtra: true },
    {
      title: 'Actions',
      cell: letter => (
        <span class="row-actions">
          <button
            type="button"
            aria-expanded={open.value === letter.id}
            onClick={() => (open.value = open.value === letter.id ? undefined : letter.id)}
          >
            Show
          </button>
          <button
            type="button"
            disabled={letter.redrive !== null}
            onClick={() => (chosen.value = { action: 'redrive', letter })}
          >
            {letter.redrive === null ? 'Redrive …' : 'Under way'}
          </button>
          <button type="button" class="dangerous" onClick={() => (chosen.value = { action: 'delete', letter })}>
            Delete …
          </button>
        </span>
      ),
    },
  ]
  return (
    <WhenReady live={live} what="its dead letters">
      {({ items, total, matching }) => {
        const reasons = [...new Set([...seenReasons.value, ...items.map(letter => letter.reason)])].sort()
        if (reasons.length > seenReasons.value.length) queueMicrotask(() => (seenReasons.value = reasons))
        const all = (
          <>
            <select aria-label="Reason" onChange={event => (reason.value = event.currentTarget.value)}>
              <option value="">every reason</option>
              {reasons.map(one => (
                <option key={one}>{one}</option>
              ))}
            </select>
            <input
              type="search"
              placeholder="Part of the message"
              aria-label="Part of the message"
              maxLength={200}
              onInput={event => (text.value = event.currentTarget.value.trim())}
            />
            <button type="button" disabled={matching === 0} onClick={() => (chosen.value = { action: 'redrive' })}>
              Redrive {count(matching)} …
            </button>
            <button
              type="button"
              class="dangerous"
              disabled={matching === 0}
              onClick={() => (chosen.value = { action: 'delete' })}
            >
              Delete {count(matching)} …
            </button>
          </>
        )
        const letter = items.find(({ id }) => id === open.value)
        return (
          <Section title={`Dead letters (${count(total)})`} actions={total === 0 ? undefined : all}>
            {running.map(redrive => (
              <Redriving key={redrive.id} redrive={redrive} onChanged={changed} />
            ))}
            <Table
              label="Dead letters"
              columns={columns}
              rows={items}
              keyOf={({ id }) => String(id)}
              pageSize={20}
              hasCards
              empty={total === 0 ? 'None: every event that was taken was processed, or still waits.' : 'None matches.'}
            />
            {letter !== undefined && <Letter letter={letter} />}
            {chosen.value?.action === 'redrive' && (
              <RedriveDialog
                name={name}
                chosen={chosen.value}
                filter={filter}
                matching={matching}
                onDone={changed}
                onClose={() => (chosen.value = undefined)}
              />
            )}
            {chosen.value?.action === 'delete' && (
              <DeleteDialog
                base={base}
                chosen={chosen.value}
                filter={filter}
                matching={matching}
                onDone={changed}
                onClose={() => (chosen.value = undefined)}
              />
            )}
          </Section>
        )
      }}
    </WhenReady>
  )
}

function EventLink({ letter: { stream, partition, offset } }: { readonly letter: DeadLetterView }) {
  const place = `${stream}/${partition}/${offset}`
  return <a href={href('events', [], { q: place })}>{place}</a>
}

function Redriving({ redrive, onChanged }: { readonly redrive: RedriveView; readonly onChanged: () => Promise<void> }) {
  const { id, trigger, total, succeeded, failed } = redrive
  const cancel = (): Promise<void> =>
    doAndTell('The redrive takes no more letters.', async () => {
      await ask('POST', apiPath('triggers', trigger, 'redrives', id, 'cancel'))
      await onChanged()
    })
  return (
    <div class="redrive" role="status">
      <span>
        Redrive {id}: {count(succeeded)} of {count(total)} succeeded{failed > 0 && `, ${count(failed)} came back`}
      </span>
      <progress max={total} value={succeeded + failed} aria-label={`Redrive ${id}`} />
      <button type="button" onClick={() => void cancel()}>
        Cancel redrive
      </button>
    </div>
  )
}

function Letter({ letter }: { readonly letter: DeadLetterView }) {
  return (
    <div class="letter">
      <h3>
        Dead letter {letter.id}, stage {letter.stage}
      </h3>
      <dl class="facts">
        <dt>Function</dt>
        <dd>{letter.function || '–'}</dd>
        <dt>Accepted</dt>
        <dd>{time(letter.acceptedAtMs)}</dd>
        <dt>Last attempt</dt>
        <dd>{time(letter.lastAttemptAtMs)}</dd>
      </dl>
      <h4>Attempts</h4>
      <pre>{letter.failures.map(failure => JSON.stringify(failure)).join('\n') || 'none'}</pre>
      <h4>Event</h4>
      <pre>{JSON.stringify(letter.event, undefined, 2)}</pre>
      <h4>Data ({bytes(letter.dataBytes)})</h4>
      <pre>{textOfData(letter.dataBase64)}</pre>
    </div>
  )
}

interface ActionProps {
  readonly chosen: Chosen
  readonly filter: Readonly<Record<string, string>>
  readonly matching: number
  readonly onDone: () => Promise<void>
  readonly onClose: () => void
}

function RedriveDialog({
  name,
  chosen: { letter },
  filter,
  matching,
  onDone,
  onClose,
}: ActionProps & { readonly name: string }) {
  const plan = useSignal('')
  const path = apiPath('triggers', name, 'redrives')
  const which =
    letter !== undefined ? { ids: [letter.id] } : Object.keys(filter).length > 0 ? { filter } : { all: true }
  const look = async (): Promise<void> => {
    const { total, skipped } = await ask<RedrivePlanView>('POST', path, { ...which, dryRun: true })
    const left = skipped.redrivenTooOften + skipped.neverAnEvent + skipped.beingRedriven
    plan.value = `Takes ${plural(total, 'letter')}${left > 0 ? `, leaves ${count(left)}` : ''}.`
  }
  const start = async (form: FormData): Promise<void> => {
    const ratePerSecond = Number(textOf(form, 'rate'))
    const version = textOf(form, 'version')
    await ask('POST', path, {
      ...which,
      force: form.get('force') === 'on',
      ...(ratePerSecond > 0 ? { ratePerSecond } : {}),
      ...(version === '' ? {} : { version }),
    })
    await onDone()
    tell('The redrive is durable and goes on by itself.')
  }
  return (
    <Dialog
      title={letter === undefined ? `Redrive ${plural(matching, 'dead letter')}?` : `Redrive dead letter ${letter.id}?`}
      verb="Redrive"
      onConfirm={start}
      onClose={onClose}
    >
      <p>
        The events are given to {name} again, with the same bytes, and in no order among those that come in. One that
        fails is a dead letter again.
      </p>
      <label>
        At most per second
        <input type="number" name="rate" min="0.01" step="any" placeholder="as fast as it takes them" />
      </label>
      <label>
        Version or alias
        <input name="version" pattern="latest|[1-9][0-9]*|[a-z][a-z0-9-]*" placeholder="what the trigger runs" />
      </label>
      <label class="choice">
        <input type="checkbox" name="force" /> Those as well whose redrives failed three times
      </label>
      <p>
        <button type="button" onClick={() => void look().catch((error: unknown) => (plan.value = String(error)))}>
          What would that take?
        </button>{' '}
        <span role="status">{plan.value}</span>
      </p>
    </Dialog>
  )
}

function DeleteDialog({
  base,
  chosen: { letter },
  filter,
  matching,
  onDone,
  onClose,
}: ActionProps & { readonly base: string }) {
  const remove = async (): Promise<void> => {
    if (letter !== undefined) await ask('DELETE', `${base}/${letter.id}`)
    else
      await ask('DELETE', `${base}?${new URLSearchParams(Object.keys(filter).length > 0 ? filter : { all: 'true' })}`)
    await onDone()
    tell('Deleted.')
  }
  return (
    <Dialog
      title={letter === undefined ? `Delete ${plural(matching, 'dead letter')}?` : `Delete dead letter ${letter.id}?`}
      verb="Delete for ever"
      isDangerous
      onConfirm={remove}
      onClose={onClose}
    >
      <p>
        <strong>The events are gone then</strong>, with their data and their history. To keep a copy, export them first:{' '}
        <code>sluice dead-letters export</code>.
      </p>
    </Dialog>
  )
}
