import type { Need } from './need.ts'
import type { Figure } from './figure.ts'

/** How much of an experiment is done: counts by name. */
export type ExperimentSize = Readonly<Record<string, number>>

/** One row of `npm run prove`: a promise, how it is tried, and what the trial has to show. */
export interface Experiment<Size extends ExperimentSize = ExperimentSize> {
  /** Short, for `--only` and the name of the report. */
  readonly name: string
  /** The promise, in one sentence. */
  readonly proves: string
  /** What documents may cite. */
  readonly full: Size
  /** A slice for every commit: all slices together take minutes. */
  readonly short: Size
  /** Programs beside Node; without them the row is skipped, in CI it fails. */
  readonly needs?: readonly Need[]
  run(run: ExperimentRun<Size>): Promise<ExperimentOutcome>
}

export interface ExperimentRun<Size extends ExperimentSize = ExperimentSize> {
  readonly size: Size
  /** Everything that is chosen by chance follows from it; what the machine schedules does not. */
  readonly seed: number
  /** Empty, and removed afterwards. */
  readonly directory: string
  progress(done: number, of: number, note?: string): void
}

export interface ExperimentOutcome {
  readonly figures: readonly Figure[]
  /** Examples of what went wrong; empty when nothing did. */
  readonly findings: readonly string[]
  /** All of it in a few words, where figures do not say it. */
  readonly summary?: string
}

/** Checks the size against `run` once and forgets its names, so that experiments of all sizes stand in one list. */
export function defineExperiment<Size extends ExperimentSize>(experiment: Experiment<Size>): Experiment {
  return experiment as unknown as Experiment
}
