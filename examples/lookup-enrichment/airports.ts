export interface Airport {
  readonly iata: string
  readonly city: string
  /** ISO 3166-1, two letters. */
  readonly country: string
  /** Degrees; north is positive. */
  readonly latitude: number
  /** Degrees; east is positive. */
  readonly longitude: number
}

const earthRadiusKm = 6371

/** Airports by IATA code, from CSV with a header and without quotes. */
export function parseAirports(csv: string): ReadonlyMap<string, Airport> {
  const [header = '', ...lines] = csv.trim().split(/\r?\n/)
  const names = header.split(',')
  const airports = new Map<string, Airport>()
  for (const [index, line] of lines.entries()) {
    const values = line.split(',')
    const at = (name: string): string => values[names.indexOf(name)] ?? ''
    const [latitude, longitude] = [Number(at('latitude')), Number(at('longitude'))]
    if (values.length !== names.length || !Number.isFinite(latitude) || !Number.isFinite(longitude)) {
      throw new Error(`airports.csv, line ${index + 2}: ${line}`)
    }
    airports.set(at('iata'), { iata: at('iata'), city: at('city'), country: at('country'), latitude, longitude })
  }
  return airports
}

/** Length of the great circle between two airports, in whole kilometres. */
export function distanceKm(one: Airport, other: Airport): number {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180
  const [latitude, otherLatitude] = [radians(one.latitude), radians(other.latitude)]
  const haversine =
    Math.sin((otherLatitude - latitude) / 2) ** 2 +
    Math.cos(latitude) * Math.cos(otherLatitude) * Math.sin(radians(other.longitude - one.longitude) / 2) ** 2
  return Math.round(2 * earthRadiusKm * Math.asin(Math.sqrt(haversine)))
}
