import type { FastifyReply, FastifyRequest } from 'fastify'
import { problemContentType, problemOf } from '../../errors/problem-details.ts'
import { SluiceError } from '../../errors/sluice-error.ts'

const DEFAULT_RETRY_AFTER_MS = 1000
/** What is still read of a body that is refused, so that the answer reaches a sender that writes before it reads. */
const LINGER_BYTES = 1024 * 1024
const LINGER_MS = 1000

export type AnswerHeaders = Readonly<Record<string, string>>

/** Answers with problem+json; 429 and 503 get a `Retry-After`. */
export function sendProblem(reply: FastifyReply, error: SluiceError, headers: AnswerHeaders = {}): void {
  reply
    .code(error.status)
    .headers(problemHeaders(error, headers))
    .send(Buffer.from(JSON.stringify(problemOf(error))))
}

/**
 * Answers a request whose body is unread or half read. Closing at once would reset the connection and the sender might
 * never see the answer; reading on without bound would let it send for ever. So the answer goes out, a little is read and
 * thrown away, and the connection ends.
 */
export function refuseUnread(
  request: FastifyRequest,
  reply: FastifyReply,
  error: SluiceError,
  headers: AnswerHeaders = {},
): void {
  const incoming = request.raw
  if (incoming.complete || !hasBody(request)) return sendProblem(reply, error, headers)
  const outgoing = reply.raw
  const body = Buffer.from(JSON.stringify(problemOf(error)))
  reply.hijack()
  outgoing.writeHead(error.status, {
    ...problemHeaders(error, headers),
    'content-length': body.length,
    connection: 'close',
  })
  // A sender that asked first has sent nothing and will not.
  if (request.headers.expect !== undefined) {
    outgoing.end(body)
    return
  }
  outgoing.write(body)

  let discarded = 0
  const end = (): void => {
    clearTimeout(timer)
    incoming.removeListener('data', discard)
    outgoing.end()
  }
  const discard = (chunk: Buffer): void => {
    discarded += chunk.length
    if (discarded > LINGER_BYTES) end()
  }
  const timer = setTimeout(end, LINGER_MS)
  incoming.on('data', discard)
  incoming.once('end', end)
  incoming.once('error', end)
  incoming.once('close', end)
  incoming.resume()
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function problemHeaders(error: SluiceError, headers: AnswerHeaders): Record<string, string> {
  const all: Record<string, string> = { 'content-type': problemContentType, ...headers }
  if (error.status === 503 || error.status === 429) {
    const { retryAfterMs } = error.details
    const waitMs = typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? retryAfterMs : DEFAULT_RETRY_AFTER_MS
    all['retry-after'] = String(Math.max(1, Math.ceil(waitMs / 1000)))
  }
  return all
}

/** What a caller is told of an error that is none of ours: its text could hold anything. */
export function internalError(cause: unknown): SluiceError {
  return new SluiceError('SLUICE_INTERNAL', 'the request failed inside the gateway; its log says why', { cause })
}
