import { SluiceError } from '../errors/sluice-error.ts'
import { checkFunction, problemsOf, type CheckedFunction, type CheckOptions } from './check-module.ts'

/** A thread takes as long to start as some dozens of modules take to load; one that ends it ends the others' check with it. */
const mostTogether = 16
const workers = 2

/**
 * Checks functions as {@link checkFunction} does, but loads those of equal environment and heap together. Whoever could
 * not be loaded that way is loaded alone, so that no function is refused for what another one did.
 * @returns an error for each function that cannot be loaded, in the order of the functions.
 */
export async function checkFunctions(
  versions: readonly CheckedFunction[],
  options: CheckOptions = {},
): Promise<readonly SluiceError[]> {
  const alone: CheckedFunction[] = []
  await inWorkers(together(versions), async group => {
    const problems = group.length === 1 ? [] : await problemsOf(group, options)
    alone.push(...group.filter((_, index) => index >= problems.length || problems[index] !== undefined))
  })
  const errors = new Map<CheckedFunction, SluiceError>()
  await inWorkers(alone, version =>
    checkFunction(version, options).catch((error: unknown) => void errors.set(version, SluiceError.from(error))),
  )
  return versions.flatMap(version => errors.get(version) ?? [])
}

/** Groups that may share a worker. What imports nothing but its own is guarded, and a guard is for one. */
function together(versions: readonly CheckedFunction[]): CheckedFunction[][] {
  const most = Math.min(mostTogether, Math.ceil(versions.length / workers))
  const groups: CheckedFunction[][] = []
  const open = new Map<string, CheckedFunction[]>()
  for (const version of versions) {
    const { environment, memoryMiB, selfContained } = version
    const kind = selfContained ? undefined : JSON.stringify([environment, memoryMiB])
    let group = kind === undefined ? undefined : open.get(kind)
    if (group === undefined || group.length >= most) {
      groups.push((group = []))
      if (kind !== undefined) open.set(kind, group)
    }
    group.push(version)
  }
  return groups
}

/** Works off a list, some entries at a time. */
async function inWorkers<Entry>(entries: readonly Entry[], work: (entry: Entry) => Promise<void>): Promise<void> {
  const waiting = [...entries]
  const workOff = async (): Promise<void> => {
    for (let entry = waiting.shift(); entry !== undefined; entry = waiting.shift()) await work(entry)
  }
  await Promise.all(Array.from({ length: workers }, workOff))
}
