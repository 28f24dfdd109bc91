import { request } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { fastify, type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { apiRoutes } from '../../src/api/api-routes.ts'
import { openapiDocument } from '../../src/api/openapi.ts'
import { registerApi, type RegisterApiOptions } from '../../src/api/register-api.ts'
import { createStubControl } from './stub-control.ts'

let app: FastifyInstance
let control: ReturnType<typeof createStubControl>
let url: string

async function serve(options: RegisterApiOptions = {}): Promise<void> {
  app = fastify()
  control = createStubControl()
  await registerApi(app, control, options)
  // A source on the same listener: the API must leave it alone.
  app.post('/hooks', async request => ({ got: request.body }))
  url = await app.listen({ port: 0, host: '127.0.0.1' })
}

beforeEach(() => serve())
afterEach(() => app.close())

const json = async (path: string, init?: RequestInit) => {
  const response = await fetch(url + path, init)
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  }
}
const post = (path: string, body?: unknown) =>
  json(path, {
    method: 'POST',
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })

describe('the API', () => {
  it('answers every list and detail as its schema says', async () => {
    const ajv = new Ajv2020({ strict: false })
    for (const route of apiRoutes) {
      const path = `/v1${route.path.replace('{name}', 'alerts')}`
      const answer =
        route.method === 'GET' ? await json(path) : await post(path, route.body ? { reason: 'r' } : undefined)
      expect(answer.status, path).toBe(200)
      expect(ajv.validate(route.answer, answer.body), `${path}: ${ajv.errorsText()}`).toBe(true)
    }
  })

  it('pauses with reason and name, and resumes', async () => {
    const paused = await post('/v1/triggers/alerts/pause', { reason: 'firmware', by: 'ada' })
    expect(paused.body).toMatchObject({ state: 'paused', paused: { reason: 'firmware', by: 'ada' } })
    expect((await json('/v1/triggers/alerts')).body.state).toBe('paused')
    expect((await post('/v1/triggers/alerts/resume')).body).toMatchObject({ state: 'running', paused: null })
  })

  it('pages dead letters', async () => {
    const first = await json('/v1/triggers/alerts/dead-letters?limit=2')
    expect(first.body).toMatchObject({ total: 3, next: 2, items: [{ id: 3 }, { id: 2 }] })
    const second = await json(`/v1/triggers/alerts/dead-letters?limit=2&before=${String(first.body.next)}`)
    expect(second.body).toMatchObject({ next: null, items: [{ id: 1 }] })
  })

  it.each([
    ['an unknown trigger', '/v1/triggers/nope', undefined, 404, 'SLUICE_API_NOT_FOUND'],
    ['an unknown path', '/v1/nope', undefined, 404, 'SLUICE_API_NOT_FOUND'],
    ['a pause without a reason', '/v1/triggers/alerts/pause', {}, 400, 'SLUICE_API_INVALID_REQUEST'],
    ['a limit out of range', '/v1/triggers/alerts/dead-letters?limit=0', undefined, 400, 'SLUICE_API_INVALID_REQUEST'],
    ['an unknown function', '/v1/functions/nope/invocations', {}, 404, 'SLUICE_FUNCTIONS_NOT_FOUND'],
  ])('answers %s with a problem document', async (_what, path, body, status, code) => {
    const answer = body === undefined ? await json(path) : await post(path, body)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    expect(answer.body).toMatchObject({ status, code })
    expect(answer.body.detail).toBeTypeOf('string')
  })

  it('answers a body that is no JSON with 400', async () => {
    const headers = { 'content-type': 'application/json' }
    const answer = await json('/v1/triggers/alerts/pause', { method: 'POST', body: '{', headers })
    expect([answer.status, answer.body.code]).toEqual([400, 'SLUICE_API_INVALID_REQUEST'])
  })

  it.each(['/v1/triggers', '/v1/triggers/alerts/pause', '/v1/functions/echo/invocations', '/healthz', '/metrics'])(
    'answers another method at %s with 405 and what is allowed',
    async path => {
      const answer = await json(path, { method: 'DELETE' })
      expect([answer.status, answer.body.code]).toEqual([405, 'SLUICE_API_METHOD_NOT_ALLOWED'])
      expect(answer.headers.get('allow')).toMatch(/^(GET|POST)$/)
    },
  )

  it('hands the bytes of an invocation on as they came, and its reply back', async () => {
    const body = Buffer.from([0, 255, 1])
    const headers = { 'content-type': 'application/x-odd', authorization: 'Basic x', 'ce-id': '1' }
    const response = await fetch(`${url}/v1/functions/echo/invocations`, { method: 'POST', body, headers })
    expect(response.status).toBe(201)
    expect(response.headers.get('content-type')).toBe('application/x-odd')
    expect(Buffer.from(await response.arrayBuffer())).toEqual(body)
    expect(control.invocations[0]?.headers).toMatchObject({ 'ce-id': '1' })
    expect(control.invocations[0]?.headers).not.toHaveProperty('authorization')
  })

  it('tells an invocation that its caller is gone', async () => {
    const aborted = new Promise<void>(resolve => {
      control.invoke = (_name, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            resolve()
            reject(signal.reason as Error)
          })
          socket.destroy()
        })
    })
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    socket.write('POST /v1/functions/echo/invocations HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}')
    await aborted
  })

  it('refuses a body over the limit with 413', async () => {
    const answer = await json('/v1/functions/echo/invocations', { method: 'POST', body: Buffer.alloc(1024 * 1024 + 1) })
    expect([answer.status, answer.body.code]).toEqual([413, 'SLUICE_API_BODY_TOO_LARGE'])
  })

  it('asks to come again after 503, and keeps internals inside', async () => {
    const full = await json('/v1/functions/echo/invocations', { method: 'POST', body: 'full' })
    expect([full.status, full.headers.get('retry-after')]).toEqual([503, '1'])
    const bug = await json('/v1/functions/echo/invocations', { method: 'POST', body: 'bug' })
    expect([bug.status, bug.body.code]).toEqual([500, 'SLUICE_INTERNAL'])
    expect(JSON.stringify(bug.body)).not.toContain('secret internals')
  })

  it('leaves other routes of the listener as they are', async () => {
    expect((await post('/hooks', { a: 1 })).body).toEqual({ got: { a: 1 } })
    const answer = await fetch(`${url}/hooks`, { method: 'POST', body: 'x', headers: { 'content-type': 'text/odd' } })
    expect(answer.headers.get('content-type')).not.toContain('problem+json')
  })
})

describe('probes and metrics', () => {
  it('tell health and readiness part by part, with 503 until it is so', async () => {
    expect((await json('/healthz')).status).toBe(200)
    const before = await json('/readyz')
    expect([before.status, before.body.parts]).toEqual([503, [{ name: 'log', state: 'open', ready: false }]])
    control.ready = true
    expect((await json('/readyz')).status).toBe(200)
    control.healthy = false
    expect((await json('/healthz')).status).toBe(503)
  })

  it('serve metrics as the registry wrote them', async () => {
    const response = await fetch(`${url}/metrics`)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4')
    expect(await response.text()).toBe('sluice_up 1\n')
  })
})

describe('with a token', () => {
  const token = 'correct-horse-battery'
  beforeEach(async () => {
    await app.close()
    await serve({ token })
  })

  it('asks for it everywhere but at the probes', async () => {
    for (const path of ['/v1/triggers', '/v1/openapi.json', '/v1/nope', '/metrics']) {
      for (const authorization of ['', 'Bearer wrong', `Basic ${token}`, `Bearer ${token}x`]) {
        const answer = await json(path, authorization === '' ? {} : { headers: { authorization } })
        expect([path, answer.status, answer.body.code]).toEqual([path, 401, 'SLUICE_API_UNAUTHORIZED'])
        expect(answer.headers.get('www-authenticate')).toContain('Bearer')
      }
    }
    expect((await json('/v1/triggers', { headers: { authorization: `bearer ${token}` } })).status).toBe(200)
    expect((await json('/healthz')).status).toBe(200)
  })

  it('refuses before it reads the body', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request(`${url}/v1/functions/echo/invocations`, {
        method: 'POST',
        headers: { 'content-length': '100000' },
      })
      sent.on('response', response => {
        resolve(response.statusCode)
        sent.destroy()
      })
      sent.on('error', reject)
      sent.flushHeaders()
    })
    expect(status).toBe(401)
  })
})

describe('the OpenAPI document', () => {
  it('has every route that the server has, and no other', async () => {
    const documented = new Set(
      Object.entries(openapiDocument('1').paths as Record<string, object>).flatMap(([path, operations]) =>
        Object.keys(operations).map(method => `${method} ${path}`),
      ),
    )
    for (const operation of documented) {
      const [method = '', path = ''] = operation.split(' ')
      const answer = await fetch(url + path.replace('{name}', 'alerts'), { method: method.toUpperCase() })
      // 404 with the code of a missing trigger or function is an answer of the route; of the router it is not.
      if (answer.status === 404) expect(await answer.text(), operation).not.toContain('there is nothing at')
      expect(answer.status, operation).not.toBe(405)
    }
    expect(documented.size).toBe(apiRoutes.length + 4)
    expect((await json('/v1/openapi.json')).body.openapi).toBe('3.1.0')
  })

  it('asks for no field that has a default', () => {
    const paths = openapiDocument('1').paths as Record<string, Record<string, { requestBody?: unknown }>>
    expect(JSON.stringify(paths['/v1/triggers/{name}/pause']?.post?.requestBody)).toContain('"required":["reason"]')
  })

  it('is left out when the API is off', async () => {
    await app.close()
    await serve({ enabled: false })
    expect((await fetch(`${url}/v1/triggers`)).status).toBe(404)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })
})
