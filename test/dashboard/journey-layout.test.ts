import { describe, expect, it } from 'vitest'
import type { OverviewView } from '../../src/api/views/overview-view.ts'
import { layoutJourney } from '../../src/dashboard/pages/journey-layout.ts'
import { overviewOf } from '../api/sample-views.ts'

type Trigger = OverviewView['triggers'][number]

const triggerOf = (name: string, fields: Partial<Trigger> = {}): Trigger => ({
  name,
  stream: 'orders',
  function: 'price',
  functionRef: 'price',
  sinks: [],
  isInternal: false,
  state: 'running',
  lag: 0,
  inFlight: 0,
  succeeded: 0,
  failed: 0,
  parkedKeys: 0,
  deadLetters: 0,
  ...fields,
})

const pool = {
  function: 'price',
  version: 'latest',
  state: 'ready',
  permitted: 1,
  workers: 1,
  busy: 0,
  succeeded: 0,
  failed: 0,
  serviceTimeMs: null,
} as const

const shop = overviewOf({
  sources: [{ name: 'web', kind: 'http', state: 'running', stream: 'orders', accepted: 1, refused: 0 }],
  streams: [
    { name: 'priced', kind: 'home', partitions: 4, appended: 0, kept: 0, bytes: 0 },
    { name: 'orders', kind: 'home', partitions: 1, appended: 0, kept: 0, bytes: 0 },
    { name: 'unused', kind: 'home', partitions: 1, appended: 0, kept: 0, bytes: 0 },
  ],
  triggers: [triggerOf('price-orders', { sinks: ['priced'] })],
  pools: [pool],
  sinks: [{ name: 'priced', kind: 'stream', ready: true }],
})

const still = (): number => 0

describe('the picture of the journey', () => {
  it('has a column for each stage, and a line wherever events are handed on', () => {
    const { columns, links } = layoutJourney(shop, still)
    expect(columns.map(({ title }) => title)).toEqual(['Sources', 'Streams', 'Triggers', 'Workers', 'Sinks'])
    expect(links.map(({ from, to }) => `${from} ${to}`)).toEqual([
      'source:web stream:orders',
      'stream:orders trigger:price-orders',
      'trigger:price-orders pool:price@latest',
      'pool:price@latest sink:priced',
    ])
  })

  it('begins with the streams that sources write, and leaves out those that nothing uses', () => {
    const streams = layoutJourney(shop, still).columns[1]?.stations.map(({ name }) => name)
    expect(streams).toEqual(['orders', 'priced'])
  })

  it('shows the triggers in trouble and the busy ones of a thousand, by name, and counts the others', () => {
    const triggers = Array.from({ length: 1_000 }, (_, index) => triggerOf(`t${String(index).padStart(4, '0')}`))
    triggers[700] = triggerOf('t0700', { state: 'stopped' })
    triggers[300] = triggerOf('t0300', { deadLetters: 2 })
    const busy = (station: { readonly name: string }): number => (station.name === 't0999' ? 500 : 0)
    const column = layoutJourney(overviewOf({ triggers }), busy).columns[2]
    const names = column?.stations.map(({ name }) => name) ?? []
    expect(names).toHaveLength(8)
    expect(names).toEqual(expect.arrayContaining(['t0300', 't0700', 't0999']))
    expect(names).toEqual(names.toSorted())
    expect(column?.hidden).toBe(992)
  })

  it('leaves out what only asynchronous invocations would use, as long as there are none', () => {
    const quiet = layoutJourney(overviewOf({ triggers: [triggerOf('invocations', { isInternal: true })] }), still)
    const used = layoutJourney(
      overviewOf({ triggers: [triggerOf('invocations', { isInternal: true, succeeded: 1 })] }),
      still,
    )
    expect(quiet.columns[2]?.stations).toHaveLength(0)
    expect(used.columns[2]?.stations).toHaveLength(1)
  })
})
