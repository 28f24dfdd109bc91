import { readFileSync } from 'node:fs'
import type { Handler, Init, SluiceEvent } from 'sluice-gateway'
import { inputsOf, likeliest, probabilitiesOf, type Model } from './model.ts'

let model: Model

/** The weights lie beside the bundle; a worker reads them once. */
export const init: Init = ({ logger }) => {
  model = JSON.parse(readFileSync(new URL('./model.json', import.meta.url), 'utf8')) as Model
  logger.info('model loaded', model.accuracy)
}

/** Names the species of a flower from its four measures in cm. */
const score: Handler = event => {
  const { features, classes, weights } = model
  const flower = measuresIn(event)
  const values = features.map(feature => flower[feature])
  const missing = features.filter((_, i) => typeof values[i] !== 'number' || !Number.isFinite(values[i]))
  if (missing.length > 0) return { status: 400, headers: {}, body: { error: `not a number: ${missing.join(', ')}` } }

  const probabilities = probabilitiesOf(weights, inputsOf(model, values as number[]))
  const shares = Object.fromEntries(classes.map((name, i) => [name, Number((probabilities[i] ?? 0).toFixed(4))]))
  return { status: 200, headers: {}, body: { species: likeliest(classes, probabilities), probabilities: shares } }
}

/** A body that is no JSON object has no measures. */
function measuresIn(event: SluiceEvent): Readonly<Record<string, unknown>> {
  try {
    const { data } = event
    return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

export default score
