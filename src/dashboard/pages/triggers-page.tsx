import { useSignal } from '@preact/signals'
import type { OverviewView } from '../../api/views/overview-view.ts'
import { count, rate, unknown } from '../format.ts'
import { useLive } from '../gateway/live.ts'
import { rateOf, takeOverview } from '../gateway/overview-rates.ts'
import { Badge } from '../parts/badge.tsx'
import { ListTitle } from '../parts/list-title.tsx'
import { WhenReady } from '../parts/states.tsx'
import { Table, type Column } from '../parts/table.tsx'
import { href } from '../router.ts'

type Row = OverviewView['triggers'][number]

const columns: readonly Column<Row>[] = [
  { title: 'Trigger', cell: ({ name }) => <a href={href('triggers', [name])}>{name}</a>, sortBy: ({ name }) => name },
  { title: 'State', cell: ({ state }) => <Badge state={state} />, sortBy: ({ state }) => state },
  { title: 'Stream', cell: ({ stream }) => stream, sortBy: ({ stream }) => stream, isExtra: true },
  {
    title: 'Function',
    cell: ({ function: name, functionRef }) => <a href={href('functions', [name])}>{functionRef}</a>,
    sortBy: ({ functionRef }) => functionRef,
    isExtra: true,
  },
  { title: 'Waiting', cell: ({ lag }) => count(lag), sortBy: ({ lag }) => lag, isNumber: true },
  {
    title: 'Completed',
    cell: ({ name }) => rate(rateOf('succeeded', name)),
    sortBy: ({ name }) => rateOf('succeeded', name),
    isNumber: true,
  },
  {
    title: 'Failing',
    cell: ({ name }) => rate(rateOf('failed', name)),
    sortBy: ({ name }) => rateOf('failed', name),
    isNumber: true,
    isExtra: true,
  },
  {
    title: 'Parked keys',
    cell: ({ parkedKeys }) => count(parkedKeys),
    sortBy: row => row.parkedKeys,
    isNumber: true,
    isExtra: true,
  },
  {
    title: 'Dead letters',
    cell: ({ deadLetters }) => count(deadLetters),
    sortBy: row => row.deadLetters,
    isNumber: true,
  },
  { title: 'Sinks', cell: ({ sinks }) => (sinks.length === 0 ? unknown : sinks.join(', ')), isExtra: true },
]

export function TriggersPage() {
  const live = useLive<OverviewView>('/v1/overview')
  const search = useSignal('')
  return (
    <>
      <ListTitle title="Triggers" search={search} hint="Name, stream or function" />
      <WhenReady live={live} what="the triggers">
        {view => {
          takeOverview(view)
          const matching = view.triggers.filter(({ name, stream, functionRef }) =>
            [name, stream, functionRef].some(text => text.toLowerCase().includes(search.value)),
          )
          const empty =
            view.triggers.length === 0
              ? 'No trigger yet: a trigger gives the events of a stream to a function.'
              : `No trigger has “${search.value}” in its name, stream or function.`
          return <Table label="Triggers" columns={columns} rows={matching} keyOf={({ name }) => name} empty={empty} />
        }}
      </WhenReady>
    </>
  )
}
