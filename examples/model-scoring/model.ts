/** A multinomial logistic regression. */
export interface Model {
  readonly features: readonly string[]
  readonly classes: readonly string[]
  /** Of the features, in the flowers that it was trained on: inputs are scaled by them. */
  readonly means: readonly number[]
  readonly deviations: readonly number[]
  /** A row for each class: a weight for each feature, the bias last. */
  readonly weights: readonly (readonly number[])[]
  /** How it did on flowers that it was not trained on. */
  readonly accuracy: { readonly heldOut: number; readonly right: number }
}

/** The features as the weights want them: scaled, and 1 for the bias. */
export function inputsOf(
  { means, deviations }: Pick<Model, 'means' | 'deviations'>,
  values: readonly number[],
): number[] {
  return [...values.map((value, i) => (value - (means[i] ?? 0)) / (deviations[i] ?? 1)), 1]
}

/** The probability of each class. */
export function probabilitiesOf(weights: Model['weights'], inputs: readonly number[]): number[] {
  const scores = weights.map(row => row.reduce((sum, weight, i) => sum + weight * (inputs[i] ?? 0), 0))
  // Without the highest score in front, large ones would leave the range of numbers.
  const highest = Math.max(...scores)
  const powers = scores.map(score => Math.exp(score - highest))
  const total = powers.reduce((sum, power) => sum + power, 0)
  return powers.map(power => power / total)
}

/** The class that is most likely. */
export function likeliest(classes: readonly string[], probabilities: readonly number[]): string {
  return classes[probabilities.indexOf(Math.max(...probabilities))] ?? ''
}
