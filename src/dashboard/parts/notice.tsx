import { signal } from '@preact/signals'

/** The last thing that was done or went wrong, shown for a while and told to screen readers. */
const notice = signal<{ readonly text: string; readonly isBad: boolean } | undefined>(undefined)

const shownMs = 6_000
let hiding: ReturnType<typeof setTimeout> | undefined

export function tell(text: string, isBad = false): void {
  notice.value = { text, isBad }
  clearTimeout(hiding)
  hiding = setTimeout(() => (notice.value = undefined), shownMs)
}

/** Does it and tells that it was done, or what was wrong. */
export async function doAndTell(done: string, action: () => Promise<unknown>): Promise<void> {
  try {
    await action()
    tell(done)
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error), true)
  }
}

export function Notice() {
  const { value } = notice
  return (
    <div class="notice-place" role="status" aria-live="polite">
      {value !== undefined && <div class={`notice ${value.isBad ? 'bad' : ''}`}>{value.text}</div>}
    </div>
  )
}
