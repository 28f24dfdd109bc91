/** A multinomial logistic regression: inputs are scaled, each class has a row of weights, the bias last. */
export interface Model {
  readonly features: readonly string[]
  readonly classes: readonly string[]
  readonly means: readonly number[]
  readonly deviations: readonly number[]
  readonly weights: readonly (readonly number[])[]
}

export interface Classification {
  readonly species: string
  readonly probabilities: readonly number[]
  /** The scaled features, and 1 for the bias. */
  readonly inputs: readonly number[]
}

export function classify(model: Model, values: readonly number[]): Classification {
  const inputs = values.map((value, i) => (value - (model.means[i] ?? 0)) / (model.deviations[i] ?? 1))
  inputs.push(1)
  const scores = model.weights.map(row => row.reduce((sum, weight, i) => sum + weight * (inputs[i] ?? 0), 0))
  const highest = Math.max(...scores)
  const powers = scores.map(score => Math.exp(score - highest))
  const total = powers.reduce((sum, power) => sum + power, 0)
  const probabilities = powers.map(power => power / total)
  return { species: model.classes[scores.indexOf(highest)] ?? '', probabilities, inputs }
}
