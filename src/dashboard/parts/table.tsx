import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'

export interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => ComponentChildren
  /** Right-aligned figures. */
  readonly isNumber?: boolean
  /** What the column is sorted by; absent: it cannot be. */
  readonly sortBy?: (row: Row) => string | number | null | undefined
  /** Left out on narrow screens. */
  readonly isExtra?: boolean
}

export interface TableProps<Row> {
  /** What it shows, for those who do not see it. */
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  /** Shown instead of rows. */
  readonly empty: ComponentChildren
  /** Rows of one page. Default 50. */
  readonly pageSize?: number
  /** On narrow screens each row is a card. */
  readonly hasCards?: boolean
}

/** Rows with sorting by any column, a page at a time: thousands of rows cost no more than fifty. */
export function Table<Row>({ label, columns, rows, keyOf, empty, pageSize = 50, hasCards = false }: TableProps<Row>) {
  const sort = useSignal<{ readonly column: number; readonly isDescending: boolean } | undefined>(undefined)
  const page = useSignal(0)
  const sorted = sortRows(rows, columns, sort.value)
  const pages = Math.max(1, Math.ceil(sorted.length / pageSize))
  const shown = Math.min(page.value, pages - 1)
  if (rows.length === 0) return <div class="empty">{empty}</div>
  return (
    <div class={`table ${hasCards ? 'cards' : ''}`}>
      <table aria-label={label}>
        <thead>
          <tr>
            {columns.map(({ title, isNumber, isExtra, sortBy }, index) => {
              const order =
                sort.value?.column === index ? (sort.value.isDescending ? 'descending' : 'ascending') : undefined
              const toggle = (): void => {
                const isDescending = order === undefined ? isNumber === true : order === 'ascending'
                sort.value = { column: index, isDescending }
              }
              return (
                <th
                  key={title}
                  scope="col"
                  class={cellClass(isNumber, isExtra)}
                  {...(order === undefined ? {} : { 'aria-sort': order })}
                >
                  {sortBy === undefined ? (
                    title
                  ) : (
                    <button type="button" class="sort" onClick={toggle}>
                      {title}
                      <span aria-hidden="true">{order === undefined ? '' : order === 'ascending' ? ' ↑' : ' ↓'}</span>
                    </button>
                  )}
                </th>
              )
            })}
          </tr>
        </thead>
        <tbody>
          {sorted.slice(shown * pageSize, (shown + 1) * pageSize).map(row => (
            <tr key={keyOf(row)}>
              {columns.map(({ title, cell, isNumber, isExtra }) => (
                <td key={title} class={cellClass(isNumber, isExtra)}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {pages > 1 && (
        <nav class="pages" aria-label={`Pages of ${label}`}>
          <button type="button" disabled={shown === 0} onClick={() => (page.value = shown - 1)}>
            Back
          </button>
          <span>
            {shown * pageSize + 1}–{Math.min(rows.length, (shown + 1) * pageSize)} of {rows.length}
          </span>
          <button type="button" disabled={shown === pages - 1} onClick={() => (page.value = shown + 1)}>
            Next
          </button>
        </nav>
      )}
    </div>
  )
}

const cellClass = (isNumber?: boolean, isExtra?: boolean): string =>
  [isNumber === true ? 'number' : '', isExtra === true ? 'extra' : ''].join(' ').trim()

/** What is not known comes last, in either order. */
function sortRows<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  sort: { readonly column: number; readonly isDescending: boolean } | undefined,
): readonly Row[] {
  const by = sort === undefined ? undefined : columns[sort.column]?.sortBy
  if (by === undefined) return rows
  const sign = sort?.isDescending === true ? -1 : 1
  return rows.toSorted((one, other) => {
    const a = by(one) ?? undefined
    const b = by(other) ?? undefined
    if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
    return sign * (typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b)))
  })
}
