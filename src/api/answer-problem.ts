import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { problemContentType, problemOf } from '../errors/problem-details.ts'
import { messageOf, SluiceError } from '../errors/sluice-error.ts'

/** Answers what was thrown as problem+json. */
export async function answerProblem(
  thrown: FastifyError | SluiceError,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const error = sluiceErrorOf(thrown)
  const { status } = error
  if (status >= 500) request.log.error({ err: thrown, code: error.code }, 'a request of the API failed')
  if (status === 429 || status === 503) reply.header('retry-after', retryAfterOf(error))
  await reply
    .code(status)
    .header('cache-control', 'no-store')
    .type(problemContentType)
    .send(JSON.stringify(problemOf(error)))
}

/** Whole seconds; 1 when the error does not know. */
function retryAfterOf({ details: { retryAfterS } }: SluiceError): string {
  const isKnown = typeof retryAfterS === 'number' && Number.isFinite(retryAfterS) && retryAfterS >= 0
  return String(isKnown ? Math.ceil(retryAfterS) : 1)
}

/** What Fastify throws has its own codes; ours are what callers may rely on. */
function sluiceErrorOf(thrown: FastifyError | SluiceError): SluiceError {
  if (thrown instanceof SluiceError) return thrown
  const options = { cause: thrown }
  switch (thrown.statusCode) {
    case 413:
      return new SluiceError('SLUICE_API_BODY_TOO_LARGE', messageOf(thrown), options)
    case 415:
      return new SluiceError('SLUICE_HTTP_CONTENT_TYPE', messageOf(thrown), options)
    default:
      return thrown.statusCode !== undefined && thrown.statusCode < 500
        ? new SluiceError('SLUICE_API_INVALID_REQUEST', messageOf(thrown), options)
        : new SluiceError('SLUICE_INTERNAL', 'an internal error; the log has the details', options)
  }
}
