import { useSignal } from '@preact/signals'
import type { DropView } from '../../api/views/drop-view.ts'
import type { SeekView } from '../../api/views/seek-view.ts'
import type { TriggerView } from '../../api/views/trigger-view.ts'
import { plural } from '../format.ts'
import { apiPath, ask, Problem } from '../gateway/client.ts'
import { refresh } from '../gateway/live.ts'
import { Dialog, textOf, WhoField, whoOf } from '../parts/dialog.tsx'
import { tell } from '../parts/notice.tsx'

interface PauseDialogProps {
  readonly trigger: TriggerView
  readonly onClose: () => void
}

const endings = [
  ['', 'Until somebody resumes it'],
  ['900000', 'For 15 minutes'],
  ['3600000', 'For an hour'],
  ['86400000', 'For a day'],
] as const

export function PauseDialog({ trigger: { name }, onClose }: PauseDialogProps) {
  const path = apiPath('triggers', name)
  const pause = async (form: FormData): Promise<void> => {
    const expiresAfterMs = Number(textOf(form, 'ending'))
    const ending = expiresAfterMs > 0 ? { expiresAfterMs } : {}
    await ask('POST', `${path}/pause`, { reason: textOf(form, 'reason'), by: whoOf(form), ...ending })
    await refresh(path)
    tell(`${name} is paused: nothing of it starts any more.`)
  }
  return (
    <Dialog title={`Pause ${name}?`} verb="Pause" onConfirm={pause} onClose={onClose}>
      <p>
        What runs is finished, nothing more starts. Events keep arriving and keep their place; the pause outlives a
        restart.
      </p>
      <label>
        Why
        <input name="reason" required maxLength={500} placeholder="database upgrade" />
      </label>
      <WhoField />
      <label>
        How long
        <select name="ending">
          {endings.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
    </Dialog>
  )
}

type Place = 'here' | 'time' | 'offset' | 'end'

/** Resumes where it stands, or moves its place first and says what that skips or repeats. */
export function ResumeDialog({ trigger: { name, partitions }, onClose }: PauseDialogProps) {
  const place = useSignal<Place>('here')
  const effect = useSignal('')
  const path = apiPath('triggers', name)
  const targetOf = (form: FormData): unknown => {
    switch (place.value) {
      case 'here':
        return undefined
      case 'end':
        return 'end'
      case 'time':
        return { timestampMs: new Date(textOf(form, 'time')).getTime() }
      case 'offset':
        return { offset: Number(textOf(form, 'offset')), partition: Number(textOf(form, 'partition')) }
    }
  }
  const seek = (to: unknown, dryRun: boolean): Promise<SeekView> =>
    ask<SeekView>('POST', `${path}/seek`, { to, dryRun })
  const look = async (event: Event): Promise<void> => {
    const form = (event.currentTarget as HTMLElement).closest('form')
    if (form === null) return
    try {
      const { skipped, repeated, parked } = await seek(targetOf(new FormData(form)), true)
      const left = parked > 0 ? ` ${plural(parked, 'parked event')} stay and run.` : ''
      effect.value = `Skips ${plural(skipped, 'event')}, repeats ${plural(repeated, 'event')}.${left}`
    } catch (error) {
      effect.value = error instanceof Problem ? error.message : String(error)
    }
  }
  const resume = async (form: FormData): Promise<void> => {
    const to = targetOf(form)
    if (to !== undefined) await seek(to, false)
    await ask('POST', `${path}/resume`)
    await refresh(path)
    tell(`${name} is resumed.`)
  }
  const choose = (next: Place) => () => {
    place.value = next
    effect.value = ''
  }
  const choice = (value: Place, text: string) => (
    <label class="choice">
      <input type="radio" name="place" value={value} checked={place.value === value} onChange={choose(value)} /> {text}
    </label>
  )
  return (
    <Dialog
      title={`Resume ${name}?`}
      verb="Resume"
      isDangerous={place.value !== 'here'}
      onConfirm={resume}
      onClose={onClose}
    >
      <fieldset>
        <legend>Where it goes on</legend>
        {choice('here', 'Where it stands: nothing is skipped')}
        {choice('end', 'At the end: what waits is skipped')}
        {choice('time', 'At a time')}
        {place.value === 'time' && <input type="datetime-local" name="time" step="1" required aria-label="Time" />}
        {choice('offset', 'At an offset')}
        {place.value === 'offset' && (
          <div class="pair">
            <label>
              Partition
              <select name="partition">
                {partitions.map(({ partition }) => (
                  <option key={partition} value={partition}>
                    {partition}
                  </option>
                ))}
              </select>
            </label>
            <label>
              Offset
              <input type="number" name="offset" min="0" required />
            </label>
          </div>
        )}
      </fieldset>
      {place.value !== 'here' && (
        <p>
          <button type="button" onClick={event => void look(event)}>
            What would that do?
          </button>{' '}
          <span role="status">{effect.value}</span>
        </p>
      )}
    </Dialog>
  )
}

/** What is parked does not run: it becomes dead letters. */
export function DropParkedDialog({ trigger: { name, parkedEvents, parkedKeys }, onClose }: PauseDialogProps) {
  const path = apiPath('triggers', name)
  const drop = async (form: FormData): Promise<void> => {
    const { dropped } = await ask<DropView>('POST', `${path}/drop-parked`, { by: whoOf(form) })
    await refresh(path)
    tell(`${plural(dropped, 'event')} became dead letters.`)
  }
  return (
    <Dialog
      title={`Drop what is parked of ${name}?`}
      verb="Make them dead letters"
      isDangerous
      onConfirm={drop}
      onClose={onClose}
    >
      <p>
        {plural(parkedEvents, 'event')} of {plural(parkedKeys, 'key')} will not run when the trigger is resumed. They
        are kept as dead letters and can be redriven.
      </p>
      <WhoField />
    </Dialog>
  )
}
