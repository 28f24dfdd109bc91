import type { OverviewView } from '../../api/views/overview-view.ts'

/** A box of the picture. */
export interface Station {
  /** Such as `trigger:orders`. */
  readonly id: string
  readonly kind: 'source' | 'stream' | 'trigger' | 'pool' | 'sink'
  readonly name: string
  /** Shown below the name. */
  readonly note: string
  readonly state: string
  /** What its rate is kept under, and its name there. */
  readonly rate: readonly ['accepted' | 'appended' | 'succeeded' | 'pool', string] | undefined
  /** 0: as it should be. Higher: shown before others. */
  readonly trouble: number
  /** It runs, and leaves dead letters or parked keys behind. */
  readonly hasFailures: boolean
}

export interface Link {
  readonly from: string
  readonly to: string
}

export interface JourneyColumn {
  readonly title: string
  readonly kind: Station['kind']
  readonly stations: readonly Station[]
  /** Those that there was no room for. */
  readonly hidden: number
}

export interface JourneyLayout {
  readonly columns: readonly JourneyColumn[]
  /** Between boxes that are shown. */
  readonly links: readonly Link[]
}

/** Boxes of one column: more nobody reads as a picture, and the lists have them all. */
const mostStations = 8

const troubles: Readonly<Record<string, number>> = {
  stopped: 3,
  impaired: 3,
  quarantined: 3,
  'not ready': 3,
  probing: 2,
  paused: 1,
  pausing: 1,
}

/**
 * What the picture of the journey shows: columns from left to right, the boxes in trouble and the busy ones first when there
 * are too many, and who hands on to whom. Pure.
 * @param rateOf per second; undefined: not known.
 */
export function layoutJourney(view: OverviewView, rateOf: (station: Station) => number | undefined): JourneyLayout {
  const visible = view.triggers.filter(
    trigger => !trigger.isInternal || trigger.succeeded + trigger.failed + (trigger.lag ?? 0) > 0,
  )
  const station = (
    kind: Station['kind'],
    name: string,
    state: string,
    note: string,
    rate: Station['rate'],
    hasFailures = false,
  ): Station => ({
    ...{ id: `${kind}:${name}`, kind, name, note, state, rate },
    trouble: (troubles[state] ?? 0) + (hasFailures ? 1 : 0),
    hasFailures,
  })
  const sources = view.sources.map(({ name, kind, state }) => station('source', name, state, kind, ['accepted', name]))
  const readStreams = new Set(visible.map(({ stream }) => stream))
  const writtenStreams = new Set(view.sources.map(({ stream }) => stream))
  const sinkNames = new Set(visible.flatMap(({ sinks }) => sinks))
  const used = view.streams.filter(
    ({ name }) => readStreams.has(name) || writtenStreams.has(name) || sinkNames.has(name),
  )
  // What sources write comes first, as they stand.
  const order = [...writtenStreams]
  const rank = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length)
  const streams = used
    .toSorted((a, b) => rank(a.name) - rank(b.name))
    .map(({ name, kind, partitions }) =>
      station('stream', name, 'running', `${kind}, ${partitions} partition${partitions === 1 ? '' : 's'}`, [
        'appended',
        name,
      ]),
    )
  const triggers = visible.map(({ name, state, lag, deadLetters, parkedKeys }) =>
    station(
      'trigger',
      name,
      state,
      lag === null ? 'lag not known' : lag === 0 ? 'nothing waits' : `${lag.toLocaleString('en')} wait`,
      ['succeeded', name],
      deadLetters + parkedKeys > 0,
    ),
  )
  const usedFunctions = new Set(visible.map(trigger => trigger.function))
  const pools = view.pools
    .filter(pool => usedFunctions.has(pool.function) || pool.succeeded + pool.failed > 0)
    .map(({ function: name, version, state, busy, workers }) =>
      station('pool', `${name}@${version}`, state, workers === 0 ? 'at rest' : `${busy} of ${workers} at work`, [
        'pool',
        `${name}@${version}`,
      ]),
    )
  const sinks = view.sinks
    .filter(({ name }) => sinkNames.has(name))
    .map(({ name, kind, ready }) => station('sink', name, ready ? 'ready' : 'not ready', kind, undefined))

  const columns = [
    columnOf('Sources', 'source', sources, rateOf),
    columnOf('Streams', 'stream', streams, rateOf),
    columnOf('Triggers', 'trigger', triggers, rateOf),
    columnOf('Workers', 'pool', pools, rateOf),
    columnOf('Sinks', 'sink', sinks, rateOf),
  ]
  const shown = new Set(columns.flatMap(column => column.stations.map(({ id }) => id)))
  const links: Link[] = []
  for (const { name, stream } of view.sources)
    if (stream !== null) links.push({ from: `source:${name}`, to: `stream:${stream}` })
  for (const { name, stream, function: functionName, sinks: to } of visible) {
    links.push({ from: `stream:${stream}`, to: `trigger:${name}` })
    for (const pool of view.pools) {
      if (pool.function !== functionName) continue
      const id = `pool:${functionName}@${pool.version}`
      links.push({ from: `trigger:${name}`, to: id })
      for (const sink of to) links.push({ from: id, to: `sink:${sink}` })
    }
  }
  const unique = new Map(links.map(link => [`${link.from} ${link.to}`, link]))
  return { columns, links: [...unique.values()].filter(({ from, to }) => shown.has(from) && shown.has(to)) }
}

function columnOf(
  title: string,
  kind: Station['kind'],
  stations: readonly Station[],
  rateOf: (station: Station) => number | undefined,
): JourneyColumn {
  if (stations.length <= mostStations) return { title, kind, stations, hidden: 0 }
  const ranked = stations.toSorted(
    (a, b) => b.trouble - a.trouble || (rateOf(b) ?? 0) - (rateOf(a) ?? 0) || a.name.localeCompare(b.name),
  )
  // Chosen by rank, shown by name: boxes that change places every second cannot be read.
  const chosen = ranked.slice(0, mostStations).sort((a, b) => a.name.localeCompare(b.name))
  return { title, kind, stations: chosen, hidden: stations.length - mostStations }
}
