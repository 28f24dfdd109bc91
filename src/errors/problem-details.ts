import { errorCodes } from './error-codes.ts'
import type { SluiceError } from './sluice-error.ts'

/** An RFC 9457 problem document. */
export interface ProblemDetails {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly [member: string]: unknown
}

export const problemContentType = 'application/problem+json'

/** Turns an error into the body of an HTTP answer. Causes and stacks stay inside. */
export function problemOf(error: SluiceError): ProblemDetails {
  const { title, status } = errorCodes[error.code]
  return {
    ...error.details,
    type: `urn:sluice:problem:${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.message,
  }
}
