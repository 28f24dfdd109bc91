import type { FastifyReply, FastifyRequest } from 'fastify'
import { SluiceError } from '../../errors/sluice-error.ts'
import { sendProblem } from './problem-answer.ts'

/**
 * Answers the validation request of CloudEvents Web Hooks 1.0 (§4). `WebHook-Request-Callback` is never called: it is an
 * address that a stranger chose.
 */
export function answerHandshake(request: FastifyRequest, reply: FastifyReply, allowedOrigins: readonly string[]): void {
  const origin = request.headers['webhook-request-origin']
  if (typeof origin !== 'string' || origin === '') {
    sendProblem(reply, new SluiceError('SLUICE_HTTP_MALFORMED', 'the header WebHook-Request-Origin is missing'))
    return
  }
  const known = allowedOrigins.includes('*') ? '*' : allowedOrigins.find(allowed => allowed === origin)
  if (known === undefined) {
    sendProblem(reply, new SluiceError('SLUICE_HTTP_ORIGIN', 'this origin may not send here; see allowedOrigins'))
    return
  }
  const headers: Record<string, string> = { allow: 'POST', 'webhook-allowed-origin': known }
  // Overload is answered with 429 or 503 when it happens, so no rate is agreed beforehand.
  if (request.headers['webhook-request-rate'] !== undefined) headers['webhook-allowed-rate'] = '*'
  reply.code(200).headers(headers).send()
}
