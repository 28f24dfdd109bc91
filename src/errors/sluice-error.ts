import { errorCodes, type ErrorCode } from './error-codes.ts'

/** Extra facts of one error: they go into problem+json and into log lines as they are, so never a secret. */
export type ErrorDetails = Readonly<Record<string, unknown>>

/** The one error class of Sluice. What it means is in its `code`; see the table in error-codes.ts. */
export class SluiceError extends Error {
  override readonly name = 'SluiceError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  /** @param message what was wrong, where, and what to do; shown to people as it is. */
  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: ErrorDetails } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
  }

  get status(): number {
    return errorCodes[this.code].status
  }

  get retryable(): boolean {
    return errorCodes[this.code].retryable
  }

  /** The single funnel for caught values: anything that is not ours becomes the given code with the original as cause. */
  static from(thrown: unknown, code: ErrorCode = 'SLUICE_INTERNAL'): SluiceError {
    if (thrown instanceof SluiceError) return thrown
    return new SluiceError(code, messageOf(thrown), { cause: thrown })
  }
}

/** The message of anything that can be thrown; never throws itself. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message === '' ? thrown.name : thrown.message
  try {
    return String(thrown)
  } catch {
    return 'a value that cannot be shown was thrown'
  }
}
