import { useSignal } from '@preact/signals'
import type { FunctionSummary } from '../../api/views/function-view.ts'
import type { OverviewView } from '../../api/views/overview-view.ts'
import type { NamePage } from '../../api/views/view-schema.ts'
import { ago, count, rate } from '../format.ts'
import { useLive } from '../gateway/live.ts'
import { rateOf, takeOverview } from '../gateway/overview-rates.ts'
import { Badge } from '../parts/badge.tsx'
import { ListTitle } from '../parts/list-title.tsx'
import { WhenReady } from '../parts/states.tsx'
import { Table, type Column } from '../parts/table.tsx'
import { href } from '../router.ts'

const stateOf = ({ enabled, running }: FunctionSummary): string => {
  if (!enabled) return 'disabled'
  return running.find(({ state }) => state === 'quarantined')?.state ?? (running.length === 0 ? 'at rest' : 'ready')
}

const rateOfFunction = ({ running }: FunctionSummary): number =>
  running.reduce((sum, { name, version }) => sum + (rateOf('pool', `${name}@${version}`) ?? 0), 0)

const sum = (row: FunctionSummary, field: 'workers' | 'busy' | 'failed'): number =>
  row.running.reduce((total, pool) => total + pool[field], 0)

const columns: readonly Column<FunctionSummary>[] = [
  { title: 'Function', cell: ({ name }) => <a href={href('functions', [name])}>{name}</a>, sortBy: ({ name }) => name },
  { title: 'State', cell: row => <Badge state={stateOf(row)} />, sortBy: stateOf },
  { title: 'Rate', cell: row => rate(rateOfFunction(row)), sortBy: rateOfFunction, isNumber: true },
  {
    title: 'Workers',
    cell: row => `${sum(row, 'busy')} of ${sum(row, 'workers')}`,
    sortBy: row => sum(row, 'workers'),
    isNumber: true,
  },
  {
    title: 'Failed',
    cell: row => count(sum(row, 'failed')),
    sortBy: row => sum(row, 'failed'),
    isNumber: true,
    isExtra: true,
  },
  {
    title: 'Versions',
    cell: row => count(row.versionCount),
    sortBy: row => row.versionCount,
    isNumber: true,
    isExtra: true,
  },
  { title: 'Aliases', cell: row => row.aliases.map(({ name }) => name).join(', ') || '–', isExtra: true },
  { title: 'Changed', cell: row => ago(row.updatedAtMs), sortBy: row => row.updatedAtMs, isExtra: true },
]

export function FunctionsPage() {
  const overview = useLive<OverviewView>('/v1/overview').value
  if (overview.state === 'ready') takeOverview(overview.view)
  const live = useLive<NamePage<FunctionSummary>>('/v1/functions?limit=1000')
  const search = useSignal('')
  return (
    <>
      <ListTitle title="Functions" search={search} hint="Name or label" />
      <WhenReady live={live} what="the functions">
        {({ items, next }) => {
          const matching = items.filter(({ name, labels }) =>
            [name, ...Object.entries(labels).map(pair => pair.join('='))].some(text =>
              text.toLowerCase().includes(search.value),
            ),
          )
          const empty =
            items.length === 0 ? (
              <>
                No function yet. <code>sluice init hello</code> makes one, <code>sluice deploy</code> brings it here.
              </>
            ) : (
              `No function has “${search.value}” in its name or labels.`
            )
          return (
            <>
              <Table label="Functions" columns={columns} rows={matching} keyOf={({ name }) => name} empty={empty} />
              {next !== null && <p class="muted">Only the first 1,000 are shown; the API has the others.</p>}
            </>
          )
        }}
      </WhenReady>
    </>
  )
}
