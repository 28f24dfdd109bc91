import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../../src/errors/sluice-error.ts'
import { leashDirectory } from '../../support/leash.ts'
import { whyNotMet } from '../need.ts'
import type { Experiment, ExperimentOutcome, ExperimentSize } from '../experiment.ts'
import { finishedReport, writeReport, type Report, type ReportMode } from './report.ts'

export interface RunRowsOptions {
  readonly experiments: readonly Experiment[]
  readonly mode: ReportMode
  readonly sizeOf: (experiment: Experiment) => ExperimentSize
  readonly seed: number
  /** Runs what has a report already. */
  readonly again: boolean
  readonly reports: string
  readonly commit: string
  readonly sources: string
  readonly onStart: (experiment: Experiment, size: ExperimentSize) => void
  readonly onProgress: (experiment: Experiment, done: number, of: number, note: string | undefined) => void
  readonly onEnd: (row: Row) => void
}

/** What became of one experiment: run now, known from before, or not to be run here. */
export type Row =
  | { readonly kind: 'run' | 'known'; readonly report: Report }
  | { readonly kind: 'skipped'; readonly experiment: string; readonly reasons: readonly string[] }

/** Runs experiments one after the other and keeps the report of each as soon as it is there. */
export async function runRows(options: RunRowsOptions): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const experiment of options.experiments) {
    const row = await runRow(experiment, options)
    rows.push(row)
    options.onEnd(row)
  }
  return rows
}

async function runRow(experiment: Experiment, options: RunRowsOptions): Promise<Row> {
  const { mode, seed, sources, reports } = options
  const size = options.sizeOf(experiment)
  if (!options.again) {
    const report = await finishedReport(reports, { experiment: experiment.name, mode, size, seed, sources })
    if (report !== undefined) return { kind: 'known', report }
  }
  const missing = (experiment.needs ?? []).flatMap(need => whyNotMet(need) ?? [])
  if (missing.length > 0) return { kind: 'skipped', experiment: experiment.name, reasons: missing }
  options.onStart(experiment, size)
  const startedAt = new Date().toISOString()
  const startedMs = performance.now()
  const outcome = await attempt(experiment, size, options)
  const report: Report = {
    experiment: experiment.name,
    proves: experiment.proves,
    mode,
    size,
    seed,
    commit: options.commit,
    sources,
    startedAt,
    durationMs: Math.round(performance.now() - startedMs),
    machine: { cores: availableParallelism(), node: process.version, kernel: release() },
    isReached: !('error' in outcome) && outcome.figures.every(({ isReached }) => isReached),
    ...outcome,
  }
  await writeReport(reports, report)
  return { kind: 'run', report }
}

async function attempt(
  experiment: Experiment,
  size: ExperimentSize,
  options: RunRowsOptions,
): Promise<ExperimentOutcome & { readonly error?: string }> {
  const directory = await mkdtemp(join(tmpdir(), `sluice-prove-${experiment.name}-`))
  const unleash = leashDirectory(directory)
  try {
    return await experiment.run({
      size,
      seed: options.seed,
      directory,
      progress: (done, of, note) => options.onProgress(experiment, done, of, note),
    })
  } catch (thrown) {
    const detail = thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown)
    return { figures: [], findings: [], error: detail }
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
    unleash()
  }
}
