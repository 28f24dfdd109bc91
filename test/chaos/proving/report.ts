import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { ExperimentSize } from '../experiment.ts'
import type { Figure } from '../figure.ts'

/** How much of the experiment a run did. Documents cite `full` alone. */
export type ReportMode = 'full' | 'short' | 'custom'

/** What is kept of one run of one experiment. */
export interface Report {
  readonly experiment: string
  readonly proves: string
  readonly mode: ReportMode
  readonly size: ExperimentSize
  readonly seed: number
  /** `git rev-parse HEAD`, with `-dirty` behind it when files differ from it; `unknown` outside of a repository. */
  readonly commit: string
  /** Hash of everything that decides what was run; see source-digest.ts. */
  readonly sources: string
  readonly startedAt: string
  readonly durationMs: number
  readonly machine: { readonly cores: number; readonly node: string; readonly kernel: string }
  /** Every figure reached its target, and nothing threw. */
  readonly isReached: boolean
  readonly figures: readonly Figure[]
  readonly findings: readonly string[]
  readonly summary?: string
  /** Why the experiment came to no figures. */
  readonly error?: string
}

export const reportsDirectory = resolve(import.meta.dirname, '../../../prove/reports')

/** Full runs lie where git sees them, slices where it does not. */
export function reportFile(directory: string, experiment: string, mode: ReportMode): string {
  return join(directory, mode === 'full' ? '' : mode, `${experiment}.json`)
}

export async function writeReport(directory: string, report: Report): Promise<void> {
  const file = reportFile(directory, report.experiment, report.mode)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.draft`, `${JSON.stringify(report, null, 2)}\n`)
  await rename(`${file}.draft`, file)
}

/** The report of this very run, if there is one that came to figures; whatever they were, it is not thrown again. */
export async function finishedReport(
  directory: string,
  wanted: Pick<Report, 'experiment' | 'mode' | 'size' | 'seed' | 'sources'>,
): Promise<Report | undefined> {
  const text = await readFile(reportFile(directory, wanted.experiment, wanted.mode), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  let report: Report
  try {
    report = JSON.parse(text) as Report
  } catch {
    return undefined
  }
  const isSame =
    report.seed === wanted.seed &&
    report.sources === wanted.sources &&
    JSON.stringify(report.size) === JSON.stringify(wanted.size)
  return isSame && report.error === undefined ? report : undefined
}
