import type { FastifyReply, FastifyRequest } from 'fastify'
import { SluiceError } from '../../errors/sluice-error.ts'
import { isUtf8MediaType, parseMediaType } from '../../events/media-type.ts'
import type { ApiBody, ApiRequest, ApiRoute } from '../api-route.ts'
import { checkPathParameters } from './path-parameters.ts'
import { readJson } from './read-json.ts'
import { readPrecondition } from './read-precondition.ts'
import { readQuery } from './read-query.ts'
import { createValidator } from './validator.ts'

/** Checks the requests of one operation and gives its handler what it needs. */
export type ReadRequest = (request: FastifyRequest, reply: FastifyReply) => Omit<ApiRequest, 'follow' | 'watch'>

/** The returned function throws {SluiceError} SLUICE_API_INVALID_REQUEST and SLUICE_HTTP_CONTENT_TYPE. */
export function createReadRequest(route: ApiRoute): ReadRequest {
  const checkQuery = createValidator(route.query, 'query')
  const readBody = createReadBody(route.body)
  return (request, reply) => {
    const parameters = request.params as Readonly<Record<string, string | undefined>>
    checkPathParameters(route.parameters, parameters)
    const { headers } = request
    return {
      name: parameters.name ?? '',
      version: Number(parameters.version ?? 0),
      alias: parameters.alias ?? '',
      id: parameters.id ?? '',
      precondition:
        route.precondition === 'none' ? {} : readPrecondition(headers, route.precondition === 'match-or-absent'),
      query: checkQuery(readQuery(route.query, request.query as Record<string, unknown>)),
      body: readBody(request),
      contentType: headers['content-type'] ?? '',
      headers: singleHeaders(request),
      gone: goneSignal(reply),
    }
  }
}

function createReadBody(body: ApiBody): (request: FastifyRequest) => unknown {
  const bytesOf = ({ body: bytes }: FastifyRequest): Buffer => (Buffer.isBuffer(bytes) ? bytes : Buffer.alloc(0))
  switch (body.kind) {
    case 'bytes':
      return bytesOf
    case 'none':
      return request => {
        const text = bytesOf(request).toString('latin1').trim()
        // Clients that always send JSON send an empty object.
        if (text === '' || /^\{\s*\}$/.test(text)) return undefined
        throw new SluiceError('SLUICE_API_INVALID_REQUEST', 'this operation takes no body')
      }
    case 'json': {
      const check = createValidator(body.schema, 'body')
      return request => {
        const bytes = bytesOf(request)
        if (bytes.length > 0) checkIsJson(request)
        return check(readJson(bytes) ?? {})
      }
    }
  }
}

function checkIsJson({ headers }: FastifyRequest): void {
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new SluiceError('SLUICE_HTTP_CONTENT_ENCODING', 'bodies are taken without content-encoding')
  }
  const type = parseMediaType(headers['content-type'] ?? '')
  if (type?.essence === 'application/json' && isUtf8MediaType(type)) return
  throw new SluiceError('SLUICE_HTTP_CONTENT_TYPE', 'this takes JSON in UTF-8: send `content-type: application/json`')
}

function singleHeaders(request: FastifyRequest): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    // What authenticates the caller is not the function's business.
    if (name === 'authorization' || name === 'cookie' || value === undefined) continue
    headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return headers
}

function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  // Before the answer is written, a close means that nobody waits for it any more.
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort(new Error('the caller is gone'))
  })
  return gone.signal
}
