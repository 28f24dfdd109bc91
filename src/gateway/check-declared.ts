import { SluiceError } from '../errors/sluice-error.ts'
import type { FunctionVersion } from '../functions/function-version.ts'
import type { DeclaredFunction } from '../functions/load-functions.ts'
import { resolveVersion, type VersionSurroundings } from '../functions/resolve-version.ts'
import { checkFunctions } from '../workers/check-together.ts'

/**
 * Loads every function of the configuration once, in workers that are thrown away.
 * @throws {SluiceError} SLUICE_FUNCTIONS_LOAD with all problems at once.
 */
export async function checkDeclared(
  declared: Iterable<DeclaredFunction>,
  around: VersionSurroundings,
  compileCacheDirectory: string,
): Promise<void> {
  const versions: FunctionVersion[] = []
  const problems: string[] = []
  for (const { name, ...stored } of declared) {
    try {
      versions.push(resolveVersion(name, { ...stored, version: 'latest' }, around))
    } catch (error) {
      problems.push(SluiceError.from(error).message)
    }
  }
  for (const { message } of await checkFunctions(versions, { compileCacheDirectory })) problems.push(message)
  if (problems.length > 0)
    throw new SluiceError('SLUICE_FUNCTIONS_LOAD', problems.join('\n'), { details: { problems } })
}
