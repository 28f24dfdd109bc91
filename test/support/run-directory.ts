import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Names the directory that all test files of one run share; set by the global setup and inherited by every fork. */
export const RUN_DIRECTORY_VARIABLE = 'SLUICE_TEST_RUN'

/** The directory of this run, or undefined when a file of the test support is used outside a test run. */
export function runDirectory(): string | undefined {
  return process.env[RUN_DIRECTORY_VARIABLE]
}

/** The socket on which the global setup of this run hands out shared parts. */
export function sharedPartsSocket(directory: string): string {
  return join(directory, 'shared.sock')
}

/** Notes a missing part for the summary at the end of the run; false outside a run. */
export function noteMissingPart(part: string, message: string): boolean {
  const directory = runDirectory()
  if (directory === undefined) return false
  mkdirSync(join(directory, 'missing'), { recursive: true })
  writeFileSync(join(directory, 'missing', part), message)
  return true
}

export function missingPartFiles(directory: string): string[] {
  try {
    return readdirSync(join(directory, 'missing')).map(name => join(directory, 'missing', name))
  } catch {
    return []
  }
}
