import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { Problem } from '../gateway/client.ts'

export interface DialogProps {
  readonly title: string
  /** The verb on the button, such as Pause. */
  readonly verb: string
  /** It cannot be taken back. */
  readonly isDangerous?: boolean
  readonly children: ComponentChildren
  /** Does it; the dialog closes when it is done and tells what is wrong when it fails. */
  readonly onConfirm: (form: FormData) => Promise<unknown>
  readonly onClose: () => void
}

/** Asks before something is done. Escape and Cancel leave everything as it is. */
export function Dialog({ title, verb, isDangerous = false, children, onConfirm, onClose }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const isBusy = useSignal(false)
  const failure = useSignal('')
  useEffect(() => dialog.current?.showModal(), [])
  const confirm = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    isBusy.value = true
    failure.value = ''
    try {
      await onConfirm(new FormData(event.currentTarget as HTMLFormElement))
      onClose()
    } catch (error) {
      failure.value = error instanceof Problem ? error.message : String(error)
      isBusy.value = false
    }
  }
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={onClose}>
      <form onSubmit={event => void confirm(event)}>
        <h2 id="dialog-title">{title}</h2>
        {children}
        {failure.value !== '' && (
          <p class="failure" role="alert">
            {failure.value}
          </p>
        )}
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class={isDangerous ? 'dangerous' : 'primary'} disabled={isBusy.value}>
            {isBusy.value ? `${verb} …` : verb}
          </button>
        </div>
      </form>
    </dialog>
  )
}

/** The text of a field. */
export const textOf = (form: FormData, name: string): string => {
  const value = form.get(name)
  return typeof value === 'string' ? value.trim() : ''
}

/** Remembers who pauses, so that nobody types their name twice. */
export function WhoField() {
  return (
    <label>
      Who
      <input
        name="by"
        required
        maxLength={100}
        autocomplete="name"
        defaultValue={localStorage.getItem('sluice.by') ?? ''}
      />
    </label>
  )
}

export function whoOf(form: FormData): string {
  const by = textOf(form, 'by')
  localStorage.setItem('sluice.by', by)
  return by
}
