// Trains the model of this example: `npx node examples/model-scoring/train.ts` writes model.json anew, the same weights each
// time, and prints how it does on flowers that it has not seen.
import { readFileSync, writeFileSync } from 'node:fs'
import { inputsOf, likeliest, probabilitiesOf, type Model } from './model.ts'

export interface Flower {
  readonly values: readonly number[]
  readonly species: string
}

const rounds = 4_000
const learningRate = 0.1
/** Keeps weights small: 120 flowers do not prove large ones. */
const decay = 1e-3
const digits = 6

/** The flowers to train on, and every fifth, ten of each species, to be held out. */
export function readFlowers(): { readonly features: string[]; readonly train: Flower[]; readonly heldOut: Flower[] } {
  const csv = readFileSync(new URL('./iris.csv', import.meta.url), 'utf8')
  const [header = [], ...rows] = csv.trim().split('\n').map(line => line.split(',')) // prettier-ignore
  const flowers = rows.map(row => ({ values: row.slice(0, -1).map(Number), species: row.at(-1) ?? '' }))
  const isHeldOut = (_: Flower, index: number): boolean => index % 5 === 4
  return {
    features: header.slice(0, -1),
    train: flowers.filter((flower, index) => !isHeldOut(flower, index)),
    heldOut: flowers.filter(isHeldOut),
  }
}

/** Trains by gradient descent from zero: nothing in it is random. */
export function trainModel(): Model {
  const { features, train, heldOut } = readFlowers()
  const classes = [...new Set(train.map(({ species }) => species))]
  const means = features.map((_, i) => rounded(mean(train.map(({ values }) => values[i] ?? 0))))
  const deviations = features.map((_, i) =>
    rounded(Math.sqrt(mean(train.map(({ values }) => ((values[i] ?? 0) - (means[i] ?? 0)) ** 2)))),
  )
  const scaled = train.map(({ values, species }) => ({ inputs: inputsOf({ means, deviations }, values), species }))

  let weights = classes.map(() => new Array<number>(features.length + 1).fill(0))
  for (let round = 0; round < rounds; round++) {
    const gradient = weights.map(row => row.map(weight => decay * weight))
    for (const { inputs, species } of scaled) {
      const probabilities = probabilitiesOf(weights, inputs)
      for (const [k, row] of gradient.entries()) {
        const error = (probabilities[k] ?? 0) - (classes[k] === species ? 1 : 0)
        for (const [i, input] of inputs.entries()) row[i] = (row[i] ?? 0) + (error * input) / scaled.length
      }
    }
    weights = weights.map((row, k) => row.map((weight, i) => weight - learningRate * (gradient[k]?.[i] ?? 0)))
  }
  weights = weights.map(row => row.map(rounded))

  const right = heldOut.filter(({ values, species }) => {
    return likeliest(classes, probabilitiesOf(weights, inputsOf({ means, deviations }, values))) === species
  }).length
  return { features, classes, means, deviations, weights, accuracy: { heldOut: heldOut.length, right } }
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

const rounded = (value: number): number => Number(value.toFixed(digits))

/** JSON with a line for each list of numbers or names. */
function format(model: Model): string {
  const json = JSON.stringify(model, null, 2)
  return `${json.replaceAll(/\[\s+([^[\]{}]*?)\s+\]/g, (_, list: string) => `[${list.replaceAll(/\s+/g, ' ')}]`)}\n`
}

if (import.meta.main) {
  const model = trainModel()
  writeFileSync(new URL('./model.json', import.meta.url), format(model))
  console.log(`${model.accuracy.right} of ${model.accuracy.heldOut} flowers that it has not seen are named rightly`)
}
