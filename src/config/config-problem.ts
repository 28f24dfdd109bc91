/** One thing that is wrong in a configuration file, where it stands. Lines and columns count from 1. */
export interface ConfigProblem {
  readonly line: number
  readonly column: number
  /** Path of the field, such as `triggers.alert.retry.maxAttempts`; '' for the file as a whole. */
  readonly path: string
  readonly message: string
}

/** The way a compiler says it, so that terminals and editors make it a link. */
export function formatProblem(file: string, problem: ConfigProblem): string {
  const where = `${file}:${problem.line}:${problem.column}`
  return problem.path === '' ? `${where}: ${problem.message}` : `${where}: ${problem.path}: ${problem.message}`
}

/** In the order of the file. */
export function sortProblems(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  return [...problems].sort((a, b) => a.line - b.line || a.column - b.column)
}
