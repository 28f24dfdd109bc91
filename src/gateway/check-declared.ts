import { SluiceError } from '../errors/sluice-error.ts'
import type { DeclaredFunction } from '../functions/load-functions.ts'
import { resolveVersion, type VersionSurroundings } from '../functions/resolve-version.ts'
import { checkFunction } from '../workers/check-module.ts'

/**
 * Loads every function of the configuration once in a worker that is thrown away, two at a time.
 * @throws {SluiceError} SLUICE_FUNCTIONS_LOAD with all problems at once.
 */
export async function checkDeclared(
  declared: Iterable<DeclaredFunction>,
  around: VersionSurroundings,
  compileCacheDirectory: string,
): Promise<void> {
  const waiting = [...declared]
  const problems: string[] = []
  const checkNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { name, ...stored } = next
      try {
        const version = resolveVersion(name, { ...stored, version: 'latest' }, around)
        await checkFunction(version, { compileCacheDirectory })
      } catch (error) {
        problems.push(SluiceError.from(error).message)
      }
    }
  }
  await Promise.all([checkNext(), checkNext()])
  if (problems.length > 0)
    throw new SluiceError('SLUICE_FUNCTIONS_LOAD', problems.join('\n'), { details: { problems } })
}
