import { request } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { apiRoutes } from '../../src/api/api-routes.ts'
import { startApiServer, type ApiServer } from './api-server.ts'

let server: ApiServer

beforeEach(async () => {
  server = await startApiServer()
})
afterEach(() => server.close())

const call: ApiServer['call'] = (...args) => server.call(...args)

describe('the API', () => {
  it('answers every operation as its schema says', async () => {
    const ajv = new Ajv2020({ strict: false })
    for (const route of apiRoutes) {
      // Lines of JSON are looked at by the run of generated requests, events by the tests of what is watched.
      const types = Object.keys(route.answers[200]?.content ?? {}).join()
      if (types === 'application/x-ndjson' || types === 'text/event-stream') continue
      const name = route.path.startsWith('/triggers') ? 'alerts' : 'price'
      const id = route.tag === 'pauses' ? '3f2a9c0d41b75e68' : '1'
      const values: Readonly<Record<string, string>> = { version: '3', alias: 'live', id }
      const path = `/v1${route.path.replaceAll(/\{(\w+)\}/g, (_, part: string) => values[part] ?? name)}`
      // A question about nothing is none.
      const asked = route.operationId === 'why' ? '?trigger=alerts' : ''
      const flag = ['force', 'all'].find(field => route.query.properties[field] !== undefined)
      const query = flag === undefined ? asked : `?${flag}=true`
      const body = route.body.kind === 'none' ? undefined : route.body.example
      const answer = await call(route.method, path + query, body)
      const { status } = answer
      expect(status, `${route.operationId}: ${JSON.stringify(answer.body)}`).toBeLessThan(300)
      const schema = route.answers[status]?.content['application/json']
      if (route.body.kind === 'bytes') expect(answer.body).toEqual(body)
      else expect(ajv.validate(schema!, answer.body), `${route.operationId}: ${ajv.errorsText()}`).toBe(true)
    }
  })

  it.each([
    ['an unknown trigger', 'GET', '/v1/triggers/nope', 404, 'SLUICE_API_NOT_FOUND'],
    ['an unknown function', 'POST', '/v1/functions/nope/invocations', 404, 'SLUICE_FUNCTIONS_NOT_FOUND'],
    ['an unknown path', 'GET', '/v1/nope', 404, 'SLUICE_API_NOT_FOUND'],
    ['an unknown path of another method', 'POST', '/v1/nope/nope', 404, 'SLUICE_API_NOT_FOUND'],
    ['a limit out of range', 'GET', '/v1/triggers?limit=0', 400, 'SLUICE_API_INVALID_REQUEST'],
    ['an unknown query field', 'GET', '/v1/sources?nope=1', 400, 'SLUICE_API_INVALID_REQUEST'],
    ['a name that cannot exist', 'GET', '/v1/functions/__proto__', 400, 'SLUICE_API_INVALID_REQUEST'],
    ['a name that is too long', 'GET', `/v1/functions/${'a'.repeat(300)}`, 400, 'SLUICE_API_INVALID_REQUEST'],
    ['a control character in a name', 'DELETE', '/v1/functions/a%00b', 400, 'SLUICE_API_INVALID_REQUEST'],
    ['a slash in a name', 'GET', '/v1/functions/a%2Fb', 400, 'SLUICE_API_INVALID_REQUEST'],
    ['an alias for a version', 'GET', '/v1/functions/price/versions/live', 400, 'SLUICE_API_INVALID_REQUEST'],
    ['a version for an alias', 'GET', '/v1/functions/price/aliases/3', 400, 'SLUICE_API_INVALID_REQUEST'],
  ])('answers %s with a problem document', async (_what, method, path, status, code) => {
    const answer = await call(method, path)
    expect([answer.status, answer.body.status, answer.body.code]).toEqual([status, status, code])
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    expect(answer.body.detail).toBeTypeOf('string')
  })

  it('says what a name may be', async () => {
    const answer = await call('GET', '/v1/functions/Price/versions/0')
    expect(answer.body.detail).toBe(
      'the name in the path must be a name of at most 63 characters a–z, 0–9 and -, not beginning with -',
    )
  })

  it.each([
    ['no JSON', '{', 'application/json', 400, 'SLUICE_API_INVALID_REQUEST'],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'application/json', 400, 'SLUICE_API_INVALID_REQUEST'],
    ['__proto__ as a name', '{"reason":"r","__proto__":{}}', 'application/json', 400, 'SLUICE_API_INVALID_REQUEST'],
    ['a form', 'reason=r', 'application/x-www-form-urlencoded', 415, 'SLUICE_HTTP_CONTENT_TYPE'],
    ['another charset', '{"reason":"r"}', 'application/json; charset=utf-16', 415, 'SLUICE_HTTP_CONTENT_TYPE'],
    ['a content type that is none', '{"reason":"r"}', 'json', 415, 'SLUICE_HTTP_CONTENT_TYPE'],
    ['nothing', '', 'application/json', 400, 'SLUICE_API_INVALID_REQUEST'],
  ])('refuses a body that is %s', async (_what, body, type, status, code) => {
    const answer = await call('POST', '/v1/triggers/alerts/pause', body, { 'content-type': type })
    expect([answer.status, answer.body.code]).toEqual([status, code])
  })

  it('refuses a body that is compressed, and one where none is taken', async () => {
    const headers = { 'content-type': 'application/json' }
    const gzip = await call('POST', '/v1/triggers/alerts/pause', '{}', { ...headers, 'content-encoding': 'gzip' })
    expect([gzip.status, gzip.body.code]).toEqual([415, 'SLUICE_HTTP_CONTENT_ENCODING'])
    expect((await call('POST', '/v1/triggers/alerts/resume', { now: true })).status).toBe(400)
    expect((await call('POST', '/v1/triggers/alerts/resume', {})).status).toBe(200)
  })

  it.each([
    ['/v1/triggers', 'POST', 'GET'],
    ['/v1/triggers/alerts/pause', 'GET', 'POST'],
    ['/v1/functions/price', 'POST', 'PUT, GET, DELETE'],
    ['/v1/functions/price/logs', 'HEAD', 'GET'],
    ['/v1/functions/echo/invocations', 'DELETE', 'POST'],
    ['/v1/openapi.json', 'DELETE', 'GET'],
    ['/healthz', 'DELETE', 'GET'],
    ['/metrics', 'PATCH', 'GET'],
  ])('answers another method at %s with 405 and what is allowed', async (path, method, allowed) => {
    const response = await fetch(server.url + path, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, allowed])
    if (method !== 'HEAD') expect(await response.json()).toMatchObject({ code: 'SLUICE_API_METHOD_NOT_ALLOWED' })
  })

  it('refuses a body over the limit with 413', async () => {
    const answer = await call('POST', '/v1/functions/echo/invocations', Buffer.alloc(1024 * 1024 + 1))
    expect([answer.status, answer.body.code]).toEqual([413, 'SLUICE_API_BODY_TOO_LARGE'])
  })

  it('keeps internals inside', async () => {
    const bug = await call('POST', '/v1/functions/echo/invocations', 'bug')
    expect([bug.status, bug.body.code]).toEqual([500, 'SLUICE_INTERNAL'])
    expect(JSON.stringify(bug.body)).not.toContain('secret internals')
  })

  it('leaves other routes of the listener as they are', async () => {
    expect((await call('POST', '/hooks', { a: 1 })).body).toEqual({ got: { a: 1 } })
    const headers = { 'content-type': 'text/odd' }
    const answer = await fetch(`${server.url}/hooks`, { method: 'POST', body: 'x', headers })
    expect(answer.headers.get('content-type')).not.toContain('problem+json')
  })

  it('is left out when it is off', async () => {
    await server.close()
    server = await startApiServer({ enabled: false })
    expect((await fetch(`${server.url}/v1/triggers`)).status).toBe(404)
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  })
})

describe('probes and metrics', () => {
  it('tell health and readiness part by part, with 503 until it is so', async () => {
    expect((await call('GET', '/healthz')).status).toBe(200)
    const before = await call('GET', '/readyz')
    expect([before.status, before.body.parts]).toEqual([503, [{ name: 'log', state: 'open', ready: false }]])
    server.control.ready = true
    expect((await call('GET', '/readyz')).status).toBe(200)
    server.control.healthy = false
    expect((await call('GET', '/healthz')).status).toBe(503)
  })

  it('serve metrics as the registry wrote them', async () => {
    const response = await fetch(`${server.url}/metrics`)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4')
    expect(await response.text()).toBe('sluice_up 1\n')
  })
})

describe('with a token', () => {
  const token = 'correct-horse-battery'
  beforeEach(async () => {
    await server.close()
    server = await startApiServer({ token })
  })

  it('asks for it everywhere but at the probes', async () => {
    for (const path of ['/v1/triggers', '/v1/openapi.json', '/v1/nope', '/metrics']) {
      for (const authorization of ['', 'Bearer wrong', `Basic ${token}`, `Bearer ${token}x`]) {
        const answer = await call('GET', path, undefined, authorization === '' ? {} : { authorization })
        expect([path, answer.status, answer.body.code]).toEqual([path, 401, 'SLUICE_API_UNAUTHORIZED'])
        expect(answer.headers.get('www-authenticate')).toContain('Bearer')
      }
    }
    const answer = await call('GET', '/v1/triggers', undefined, { authorization: `bearer ${token}` })
    expect(answer.status).toBe(200)
    expect((await call('GET', '/healthz')).status).toBe(200)
  })

  it('refuses before it reads the body', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request(`${server.url}/v1/functions/echo/invocations`, {
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

describe('an operation', () => {
  it('is told when its caller is gone', async () => {
    const aborted = new Promise<void>(resolve => {
      server.control.invoke = (_name, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            resolve()
            reject(signal.reason as Error)
          })
          socket.destroy()
        })
    })
    const socket = connect((server.app.server.address() as AddressInfo).port, '127.0.0.1')
    socket.write('POST /v1/functions/echo/invocations HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}')
    await aborted
  })
})
