import { SluiceError } from '../../errors/sluice-error.ts'
import type { Precondition } from '../precondition.ts'

/** Pattern of `if-match`: the entity tag of an answer, or * for "it must exist". */
export const ifMatchPattern = '^("[0-9]{1,15}"|\\*)$'

/**
 * Reads `if-match` and, where creating is possible, `if-none-match`.
 * @throws {SluiceError} SLUICE_API_INVALID_REQUEST for values that no answer of this API can have given.
 */
export function readPrecondition(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  mayCreate: boolean,
): Precondition {
  const match = headers['if-match']
  const noneMatch = mayCreate ? headers['if-none-match'] : undefined
  if (match !== undefined && noneMatch !== undefined) {
    throw invalid('the headers if-match and if-none-match exclude each other')
  }
  if (noneMatch !== undefined) {
    if (noneMatch === '*') return { absent: true }
    throw invalid('the header if-none-match must be *: only create')
  }
  if (match === undefined) return {}
  if (match === '*') return { revision: 'any' }
  if (typeof match !== 'string' || !new RegExp(ifMatchPattern).test(match)) {
    throw invalid('the header if-match must be * or the etag of an earlier answer, such as "12", with its quotes')
  }
  return { revision: Number(match.slice(1, -1)) }
}

const invalid = (message: string): SluiceError => new SluiceError('SLUICE_API_INVALID_REQUEST', message)
