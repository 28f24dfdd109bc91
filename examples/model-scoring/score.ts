import { readFileSync } from 'node:fs'
import type { Context, InitContext, SluiceEvent } from 'sluice-gateway'
import { classify, type Model } from './model.ts'

let model: Model

/** The weights lie beside the bundle; a worker reads them once. */
export function init({ logger }: InitContext): void {
  model = JSON.parse(readFileSync(new URL('model.json', import.meta.url), 'utf8')) as Model
  logger.info('model loaded', { classes: model.classes })
}

/** Names the species of a flower from its four measures in cm. */
export default function score(event: SluiceEvent<Record<string, unknown>>, _context: Context) {
  const values = model.features.map(feature => event.data[feature])
  const missing = model.features.filter((_, i) => typeof values[i] !== 'number')
  if (missing.length > 0) return { status: 400, headers: {}, body: { error: `not a number: ${missing.join(', ')}` } }
  const { species, probabilities } = classify(model, values as number[])
  const round = (value: number): number => Number(value.toFixed(4))
  const shares = Object.fromEntries(model.classes.map((name, i) => [name, round(probabilities[i] ?? 0)]))
  return { status: 200, headers: {}, body: { species, probabilities: shares } }
}
