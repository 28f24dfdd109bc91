import { exit } from 'node:process'
import { experiments } from './experiments.ts'
import { figuresTable } from './proving/figures-table.ts'
import { parseProveOptions, UsageError, usage, type ProveOptions } from './proving/options.ts'
import { ProgressLine } from './proving/progress-line.ts'
import { reportsDirectory } from './proving/report.ts'
import { runRows, type Row } from './proving/run-rows.ts'
import { currentCommit, sourceDigest } from './proving/source-digest.ts'

const options = readOptions()
if (options.help) {
  console.log(usage)
  exit(0)
}
if (options.list) {
  for (const { name, proves, full, short } of options.experiments)
    console.log(`${name}\n  ${proves}\n  full ${JSON.stringify(full)}, short ${JSON.stringify(short)}`)
  exit(0)
}

const line = new ProgressLine(process.stderr)
const rows = await runRows({
  ...options,
  reports: reportsDirectory,
  commit: currentCommit(),
  sources: sourceDigest(),
  onStart: ({ name, proves }, size) => line.print(`${name}: ${proves} ${JSON.stringify(size)}, seed ${options.seed}`),
  onProgress: ({ name }, done, of, note) => line.show(name, done, of, note),
  onEnd: row => line.print(endOf(row)),
})
console.log(`\n${figuresTable(rows)}`)
for (const row of rows) if (row.kind !== 'skipped') printDetails(row)
const isContinuousIntegration = !['', '0', 'false'].includes(process.env['CI'] ?? '')
const missed = rows.filter(row => (row.kind === 'skipped' ? isContinuousIntegration : !row.report.isReached))
console.log(
  missed.length === 0 ? '\nevery target is reached' : `\n${missed.length} of ${rows.length} rows missed their targets`,
)
// A library's forgotten timer must not hold up the verdict.
exit(missed.length === 0 ? 0 : 1)

function readOptions(): ProveOptions {
  try {
    return parseProveOptions(process.argv.slice(2), experiments)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`prove: ${error.message}\n\n${usage}`)
    exit(2)
  }
}

function endOf(row: Row): string {
  if (row.kind === 'skipped') return `  skipped ${row.experiment}: ${row.reasons.join('; ')}`
  const { experiment, isReached, durationMs } = row.report
  const verdict = isReached ? 'reached' : 'MISSED'
  return row.kind === 'known'
    ? `${experiment}: ${verdict} before, for the same sources, seed and size`
    : `  ${verdict} after ${(durationMs / 1_000).toFixed(1)} s`
}

function printDetails({ report }: Exclude<Row, { kind: 'skipped' }>): void {
  if (report.summary !== undefined) console.log(`\n${report.summary}`)
  if (report.error !== undefined) console.log(`\n${report.experiment} failed:\n${report.error}`)
  for (const finding of report.isReached ? [] : report.findings) console.log(`${report.experiment}: ${finding}`)
}
