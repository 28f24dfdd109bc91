import type { Signal } from '@preact/signals'

/** Title of a list with a field that narrows it. */
export function ListTitle({
  title,
  search,
  hint,
}: {
  readonly title: string
  readonly search: Signal<string>
  readonly hint: string
}) {
  return (
    <div class="title">
      <h1>{title}</h1>
      <input
        type="search"
        placeholder={hint}
        aria-label={`Search ${title.toLowerCase()}`}
        onInput={event => (search.value = event.currentTarget.value.trim().toLowerCase())}
      />
    </div>
  )
}
