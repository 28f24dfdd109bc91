import { describe } from 'vitest'
import { noteMissingPart } from './run-directory.ts'
import { type RealPart, whyMissing } from './why-missing.ts'

/**
 * `describe` for suites that need real parts. Without them the suite is skipped and the end of the run says why in one
 * line; with `CI` set a missing part fails the file instead, so that no suite disappears unnoticed.
 */
export function describeWith(parts: readonly RealPart[], name: string, suite: () => void): void {
  const missing = parts.flatMap(part => {
    const reason = whyMissing(part)
    return reason === undefined ? [] : [{ part, message: `${part}: ${reason}` }]
  })
  if (missing.length === 0) {
    describe(name, suite)
    return
  }
  if (isContinuousIntegration()) {
    throw new Error(
      `"${name}" needs ${missing.map(({ message }) => message).join('; ')} (CI is set, so nothing is skipped)`,
    )
  }
  for (const { part, message } of missing) {
    if (!noteMissingPart(part, message)) console.warn(`skipped: ${message}`)
  }
  describe.skip(name, suite)
}

function isContinuousIntegration(): boolean {
  return !['', '0', 'false'].includes(process.env['CI'] ?? '')
}
