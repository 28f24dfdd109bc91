interface Unit {
  readonly quantity: 'length' | 'speed' | 'mass' | 'temperature'
  /** What one of it is in metres, metres per second, kilograms or kelvins. */
  readonly factor: number
  /** Where its zero lies, in the same. */
  readonly zero?: number
}

const units = new Map<string, Unit>(
  Object.entries({
    m: { quantity: 'length', factor: 1 },
    km: { quantity: 'length', factor: 1000 },
    ft: { quantity: 'length', factor: 0.3048 },
    mi: { quantity: 'length', factor: 1609.344 },
    nmi: { quantity: 'length', factor: 1852 },
    'm/s': { quantity: 'speed', factor: 1 },
    'km/h': { quantity: 'speed', factor: 1000 / 3600 },
    mph: { quantity: 'speed', factor: 1609.344 / 3600 },
    kn: { quantity: 'speed', factor: 1852 / 3600 },
    kg: { quantity: 'mass', factor: 1 },
    lb: { quantity: 'mass', factor: 0.45359237 },
    '°C': { quantity: 'temperature', factor: 1, zero: 273.15 },
    '°F': { quantity: 'temperature', factor: 5 / 9, zero: 459.67 * (5 / 9) },
    K: { quantity: 'temperature', factor: 1 },
  }),
)

const help = `I convert: 20 kn in km/h, 72 °F in °C. I know ${[...units.keys()].join(', ')}.`

/** What the bot says to a text: `20 kn in km/h` → `20 kn are 37.04 km/h.` */
export function answerTo(text: string): string {
  const [, amount = '', fromName = '', toName = ''] =
    /(-?\d{1,12}(?:\.\d{1,12})?) ?([A-Za-z°/]{1,5}) (?:in|to) ([A-Za-z°/]{1,5})[?.!]?$/.exec(text.trim()) ?? []
  const [from, to] = [units.get(fromName), units.get(toName)]
  if (from === undefined || to === undefined) return help
  if (from.quantity !== to.quantity) return `${fromName} is a ${from.quantity}, ${toName} is a ${to.quantity}.`
  const result = (Number(amount) * from.factor + (from.zero ?? 0) - (to.zero ?? 0)) / to.factor
  return `${amount} ${fromName} are ${Number(result.toPrecision(6))} ${toName}.`
}
