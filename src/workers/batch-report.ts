import { ResultProblem } from './result-encoding.ts'

/**
 * Which events of a batch failed, by the handler's report `{ batchItemFailures: [{ itemIdentifier }] }`, where the
 * identifier is the event's id. Nothing returned means that all succeeded.
 * @throws {ResultProblem} for a malformed report or an unknown id: then the whole batch has failed, because nobody can
 *   tell what was meant.
 */
export function failedItems(report: unknown, ids: readonly string[]): ReadonlySet<number> {
  const failed = new Set<number>()
  if (report === undefined || report === null) return failed
  const failures: unknown =
    typeof report === 'object' ? (report as { batchItemFailures?: unknown }).batchItemFailures : report
  if (failures === undefined || failures === null) {
    if (typeof report === 'object' && Object.keys(report).length === 0) return failed
  }
  if (!Array.isArray(failures)) throw malformed('it is no { batchItemFailures: [{ itemIdentifier }] }')
  for (const item of failures as unknown[]) {
    const id: unknown =
      typeof item === 'object' && item !== null ? (item as { itemIdentifier?: unknown }).itemIdentifier : undefined
    if (typeof id !== 'string') throw malformed('an item has no string itemIdentifier')
    let found = false
    for (let index = 0; index < ids.length; index++) {
      if (ids[index] !== id) continue
      failed.add(index)
      found = true
    }
    if (!found) throw malformed(`the batch has no event '${id.slice(0, 200)}'`)
  }
  return failed
}

function malformed(why: string): ResultProblem {
  return new ResultProblem('bad-result', `the report of a batch handler cannot be used: ${why}`)
}
