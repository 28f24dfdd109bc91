import { fastify, type FastifyInstance } from 'fastify'
import { registerApi, type RegisterApiOptions } from '../../src/api/register-api.ts'
import { createStubControl, type StubControl } from './stub-control.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

/** The API of a stub on a free port. */
export interface ApiServer {
  readonly app: FastifyInstance
  readonly control: StubControl
  readonly url: string
  /** Sends JSON, if there is a body, and reads JSON. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  close(): Promise<void>
}

export async function startApiServer(options: RegisterApiOptions = {}): Promise<ApiServer> {
  const app = fastify()
  const control = createStubControl()
  await registerApi(app, control, options)
  // A source on the same listener: the API must leave it alone.
  app.post('/hooks', async request => ({ got: request.body }))
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    app,
    control,
    url,
    async call(method, path, body, headers = {}) {
      const isJson = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)
      const response = await fetch(url + path, {
        method,
        headers: { ...(isJson ? { 'content-type': 'application/json' } : {}), ...headers },
        ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : (body as string) }),
      })
      return {
        status: response.status,
        headers: response.headers,
        body: (await response.json()) as Record<string, unknown>,
      }
    },
    close: () => app.close(),
  }
}
