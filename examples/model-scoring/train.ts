// Trains the model of this example on Fisher's iris data (1936): `npx node examples/model-scoring/train.ts` writes
// model.json anew, the same weights each time, and prints how good it is on the flowers that it has not seen.
import { readFileSync, writeFileSync } from 'node:fs'
import { classify, type Model } from './model.ts'

const features = ['sepal_length', 'sepal_width', 'petal_length', 'petal_width'] as const
const rounds = 4_000
const learningRate = 0.1
const decay = 1e-3

const rows = readFileSync(new URL('iris.csv', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map(line => line.split(','))
  .map(cells => ({ values: cells.slice(0, 4).map(Number), species: cells[4] ?? '' }))
// Every fifth flower is held out: ten of each species.
const train = rows.filter((_, index) => index % 5 !== 4)
const heldOut = rows.filter((_, index) => index % 5 === 4)

const classes = [...new Set(rows.map(({ species }) => species))]
const means = features.map((_, i) => train.reduce((sum, { values }) => sum + (values[i] ?? 0), 0) / train.length)
const deviations = features.map((_, i) =>
  Math.sqrt(train.reduce((sum, { values }) => sum + ((values[i] ?? 0) - (means[i] ?? 0)) ** 2, 0) / train.length),
)
/** A row of weights per class, the bias last. */
const weights = classes.map(() => new Array<number>(features.length + 1).fill(0))
const model: Model = { features, classes, means, deviations, weights }

for (let round = 0; round < rounds; round++) {
  const gradient = weights.map(row => row.map(weight => decay * weight))
  for (const { values, species } of train) {
    const { probabilities, inputs } = classify(model, values)
    for (const [k, name] of classes.entries()) {
      const error = (probabilities[k] ?? 0) - (name === species ? 1 : 0)
      const row = gradient[k] as number[]
      for (let i = 0; i < row.length; i++) row[i] = (row[i] ?? 0) + (error * (inputs[i] ?? 1)) / train.length
    }
  }
  for (const [k, row] of weights.entries())
    for (let i = 0; i < row.length; i++) row[i] = (row[i] ?? 0) - learningRate * (gradient[k]?.[i] ?? 0)
}

const right = heldOut.filter(({ values, species }) => classify(model, values).species === species).length
const rounded = { ...model, weights: weights.map(row => row.map(weight => Number(weight.toFixed(6)))) }
const accuracy = { heldOut: heldOut.length, right }
if (import.meta.main) {
  writeFileSync(new URL('model.json', import.meta.url), `${JSON.stringify({ ...rounded, accuracy }, null, 2)}\n`)
  console.log(`${right} of ${heldOut.length} flowers that it has not seen are named rightly`)
}
