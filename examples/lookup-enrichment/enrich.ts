import { readFile } from 'node:fs/promises'
import type { Handler, Init } from 'sluice-gateway'
import { distanceKm, parseAirports, type Airport } from './airports.ts'

interface Flight {
  readonly flight: string
  readonly from: string
  readonly to: string
  readonly departed: string
}

/** Only read after `init`: a table is no state that events change. */
let airports: ReadonlyMap<string, Airport> = new Map()

/** Runs once per worker, before its first event. While it fails no event is lost: they wait for a table without mistakes. */
export const init: Init = async context => {
  airports = parseAirports(await readFile(new URL('./airports.csv', import.meta.url), 'utf8'))
  context.logger.info('airports loaded', { count: airports.size })
}

/** Adds places and distance to a flight. One whose airport is not in the table goes to another sink. */
const enrich: Handler<Flight> = (event, context) => {
  const { from, to, ...flight } = event.data
  const [origin, destination] = [airports.get(from), airports.get(to)]
  if (origin === undefined || destination === undefined) {
    const unknown = [from, to].filter(code => !airports.has(code))
    context.emit(
      { type: 'com.example.flight.unmatched', subject: event.subject, data: { ...event.data, unknown } },
      { sink: 'unmatched' },
    )
    return
  }
  const km = distanceKm(origin, destination)
  context.emit(
    {
      type: 'com.example.flight.enriched',
      subject: event.subject,
      data: {
        ...flight,
        from: placeOf(origin),
        to: placeOf(destination),
        distanceKm: km,
        haul: km < 1500 ? 'short' : km < 4000 ? 'medium' : 'long',
        international: origin.country !== destination.country,
      },
    },
    { sink: 'enriched' },
  )
}

const placeOf = ({ iata, city, country }: Airport): object => ({ iata, city, country })

export default enrich
