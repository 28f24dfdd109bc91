import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'

/** The first bytes of a gRPC message: whether it is compressed, and its length. */
const prefixBytes = 5

/** gRPC status codes as OTLP uses them. */
export const grpcStatus = { ok: 0, invalidArgument: 3, unimplemented: 12, unavailable: 14 } as const

/**
 * A gRPC server for unary calls with an empty answer, over HTTP/2 without TLS (github.com/grpc/grpc, PROTOCOL-HTTP2.md).
 * @param answer takes the path and the message, and gives the status of the call.
 */
export function createGrpcServer(
  answer: (path: string, message: Buffer, encoding: string) => number | Promise<number>,
): Http2Server {
  const server = createServer()
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', session => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session)).on('error', () => {})
  })
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {})
    const path = headers[':path'] ?? ''
    const respond = (status: number, message = ''): void => {
      if (stream.destroyed) return
      stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status), 'grpc-message': message }))
      // An empty message: complete success.
      stream.end(status === grpcStatus.ok ? Buffer.alloc(prefixBytes) : undefined)
    }
    buffer(stream)
      .then(async bytes => {
        const isCompressed = bytes[0] === 1
        const body = bytes.subarray(prefixBytes, prefixBytes + bytes.readUInt32BE(1))
        respond(
          await answer(path, isCompressed ? gunzipSync(body) : Buffer.from(body), isCompressed ? 'gzip' : 'identity'),
        )
      })
      .catch((error: unknown) => respond(grpcStatus.invalidArgument, encodeURIComponent(String(error))))
  })
  server.on('close', () => sessions.clear())
  const close = server.close.bind(server)
  server.close = (done?: (error?: Error) => void) => {
    for (const session of sessions) session.destroy()
    return close(done)
  }
  return server
}
