import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FunctionVersion, ResolvedBinding } from '../../../src/functions/function-version.ts'
import type { InvocationOutcome } from '../../../src/workers/invocation.ts'
import { createWorkerPool } from '../../../src/workers/piscina-pool.ts'
import type { WorkerPool } from '../../../src/workers/worker-pool.ts'
import { freePort } from '../../support/free-port.ts'
import { invocationOf, jsonOf, outcomesOf, versionOf } from '../worker-fixtures.ts'

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const servers: Server[] = []
let seen: Seen[]
let elsewhere: Seen[]
let origin: string
let otherOrigin: string
let pool: WorkerPool

/** Answers what the query asks for: `status`, `location`, `body`, `wait`, `drip`. */
async function serve(log: Seen[]): Promise<string> {
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      log.push({ method, url, headers, body })
      const query = new URL(url, 'http://x').searchParams
      if (query.has('wait')) return
      if (query.has('drip')) {
        response.write('some')
        return
      }
      const location = query.get('location') === 'itself' ? url : query.get('location')
      response.writeHead(Number(query.get('status') ?? 200), {
        'content-type': 'application/json',
        ...(location === null ? {} : { location }),
      })
      response.end(query.get('body') ?? '{"from":"server"}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  servers.push(server)
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

beforeEach(async () => {
  seen = []
  elsewhere = []
  origin = await serve(seen)
  otherOrigin = await serve(elsewhere)
})

afterEach(async () => {
  await pool.close(0)
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

const token = 'the-token-nobody-sees'

type HttpDefinition = Extract<ResolvedBinding, { type: 'http' }>

function start(definition: Partial<HttpDefinition> = {}, changes: Partial<FunctionVersion> = {}): void {
  const users: ResolvedBinding = {
    type: 'http',
    baseUrl: `${origin}/v1`,
    headers: { 'X-Tenant': 'north' },
    timeoutMs: 3_000,
    token,
    ...definition,
  }
  pool = createWorkerPool(versionOf('binding-user.mjs', { bindings: { users }, ...changes }), {
    restartDelayMs: 60_000,
  })
  pool.setWorkers(1)
}

async function run(data: object): Promise<InvocationOutcome> {
  const [outcome] = await outcomesOf(pool, [invocationOf({ use: 'users', ...data })])
  return outcome as InvocationOutcome
}

const call = async (name: string, ...args: unknown[]): Promise<unknown> =>
  (jsonOf(await run({ call: name, args })) as [unknown])[0]

async function problemOf(name: string, ...args: unknown[]): Promise<string> {
  const outcome = await run({ call: name, args })
  return outcome.kind === 'failed' ? outcome.error.message : `it ${outcome.kind}`
}

describe('an HTTP binding', () => {
  it('gets below its base URL, with its headers and credentials', async () => {
    start()
    expect(await call('get', 'users/7?full=1')).toMatchObject({
      status: 200,
      ok: true,
      text: '{"from":"server"}',
      headers: { 'content-type': 'application/json' },
    })
    expect(seen).toMatchObject([
      { method: 'GET', url: '/v1/users/7?full=1', headers: { authorization: `Bearer ${token}`, 'x-tenant': 'north' } },
    ])
  })

  it('posts objects as JSON, text as text', async () => {
    start()
    await call('post', 'users', { name: 'Ada' })
    await call('post', ['users', 'a/b'], 'hello')
    expect(seen).toMatchObject([
      { method: 'POST', url: '/v1/users', headers: { 'content-type': 'application/json' }, body: '{"name":"Ada"}' },
      {
        method: 'POST',
        url: '/v1/users/a%2Fb',
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: 'hello',
      },
    ])
  })

  it('sends any request; its own headers win', async () => {
    start()
    await call('request', {
      method: 'patch',
      path: 'users/1',
      query: { dry: true, n: 2 },
      headers: {
        Authorization: 'mine',
        'x-tenant': 'south',
        'x-other': 'o',
        'Content-Type': 'application/merge-patch+json',
      },
      body: { a: 1 },
    })
    expect(seen).toMatchObject([
      {
        method: 'PATCH',
        url: '/v1/users/1?dry=true&n=2',
        headers: {
          authorization: `Bearer ${token}`,
          'x-tenant': 'north',
          'x-other': 'o',
          'content-type': 'application/merge-patch+json',
        },
        body: '{"a":1}',
      },
    ])
  })

  it('fetches as the global fetch does', async () => {
    start()
    expect(await call('fetch', 'users', { method: 'PUT', body: 'x', headers: { 'x-a': 'b' } })).toEqual({
      status: 200,
      text: '{"from":"server"}',
      isResponse: true,
    })
    expect(seen).toMatchObject([
      { method: 'PUT', url: '/v1/users', headers: { authorization: `Bearer ${token}`, 'x-a': 'b' }, body: 'x' },
    ])
  })

  it('hands out answers of any status', async () => {
    start()
    expect(await call('get', 'x?status=404&body=no')).toMatchObject({ status: 404, ok: false, text: 'no' })
    expect(await call('get', 'x?status=503')).toMatchObject({ status: 503 })
  })

  it('fills the path of its definition from the very event, of attempts that run at the same time', async () => {
    start({ path: 'users/{event.data.user}/{event.subject}' }, { concurrency: 20 })
    const users = Array.from({ length: 20 }, (_, i) => `user-${i} / ?#`)
    const frame = users.map((user, i) => invocationOf({ use: 'users', call: 'get', args: [], user, wait: 20 - i }))
    const outcomes = await outcomesOf(pool, frame)
    expect(outcomes.every(({ kind }) => kind === 'succeeded')).toBe(true)
    expect(new Set(seen.map(({ url }) => url))).toEqual(
      new Set(users.map(user => `/v1/users/${encodeURIComponent(user)}/subject`)),
    )
  })

  it('fails the attempt when the event lacks what the path needs, or it would lead elsewhere', async () => {
    start({ path: 'users/{event.data.user}' })
    expect(await problemOf('get')).toBe(
      'binding users: path: {event.data.user} cannot be filled: the event does not have it',
    )
    for (const user of ['..', '../admin', 'a/../..', '.'])
      expect(await run({ call: 'get', user })).toMatchObject({ kind: 'failed', error: { name: 'SluiceError' } })
    expect(seen).toEqual([])
  })

  it('never leaves its base URL', async () => {
    start()
    for (const path of ['../admin', 'https://evil.example', '//evil.example', 'a/%2e%2e/%2e%2e/b', '..\\x'])
      expect(await problemOf('get', path)).toMatch(/^binding users: the path /)
    expect(seen).toEqual([])
  })

  it.each([
    [302, 'GET', ''],
    [303, 'GET', ''],
    [307, 'POST', '{"a":1}'],
    [308, 'POST', '{"a":1}'],
  ])('follows a %i below its base URL with %s', async (status, method, body) => {
    start()
    const answer = await call('post', `old?status=${status}&location=/v1/new`, { a: 1 })
    expect(answer).toMatchObject({ status: 200 })
    expect(seen[1]).toMatchObject({ method, url: '/v1/new', body, headers: { authorization: `Bearer ${token}` } })
    expect(seen[1]?.headers['content-type']).toBe(body === '' ? undefined : 'application/json')
  })

  it('follows no redirect that leaves it: the answer is handed out, and nobody else gets the credentials', async () => {
    start()
    const user = otherOrigin.replace('//', '//a:b@')
    for (const location of [
      otherOrigin,
      `${otherOrigin}/v1/x`,
      '/v2/x',
      '../x',
      '//evil.example/',
      user,
      'http://[',
      `${origin}/v10`,
    ])
      expect(await call('get', `x?status=302&location=${encodeURIComponent(location)}`)).toMatchObject({ status: 302 })
    expect(elsewhere).toEqual([])
    expect(seen.length).toBe(8)
  })

  it('ends after five redirects', async () => {
    start()
    expect(await call('get', 'x?status=302&location=itself')).toMatchObject({ status: 302 })
    expect(seen.length).toBe(6)
  })

  it('asks no host that the network policy does not allow', async () => {
    start({}, { network: { allow: ['api.example.com'] } })
    expect(await problemOf('get', 'x')).toBe('the network policy of the function does not allow the host 127.0.0.1')
    expect(seen).toEqual([])
    await pool.close(0)
    start({}, { network: { allow: ['127.0.0.1'] } })
    expect(await call('get', 'x')).toMatchObject({ status: 200 })
  })

  it('gives up after its time, also in the middle of an answer', async () => {
    start({ timeoutMs: 150 })
    const message = `binding users: ${origin} did not answer within 150 ms`
    expect(await problemOf('get', 'x?wait=1')).toBe(message)
    expect(await problemOf('get', 'x?drip=1')).toBe(message)
  })

  it('is stopped when the time of the attempt is over', async () => {
    start({ timeoutMs: 60_000 }, { timeoutMs: 150 })
    expect(await run({ call: 'get', args: ['x?wait=1'] })).toMatchObject({
      kind: 'failed',
      error: { name: 'TimeoutError', message: 'the invocation took longer than 150 ms' },
    })
    expect(pool.stats().killed).toBe(0)
  })

  it('says that nobody answers, without what it has sent', async () => {
    const port = await freePort()
    start({ baseUrl: `http://127.0.0.1:${port}/secret-path`, headers: { 'x-api-key': 'key-of-the-service' } })
    const problem = await problemOf('get', 'users?token=abcdef')
    expect(problem).toMatch(new RegExp(`^binding users: http://127.0.0.1:${port} cannot be reached: .*ECONNREFUSED`))
    expect(problem).not.toMatch(/secret-path|abcdef|key-of/)
  })

  it('refuses headers that belong to the connection, or would end it, without telling their value', async () => {
    start()
    for (const headers of [
      { host: 'evil' },
      { 'transfer-encoding': 'chunked' },
      { 'x-a': 'line\r\nx-b: 1' },
      { 'x y': '1' },
    ])
      expect(await problemOf('request', { path: 'x', headers })).toBe(
        `binding users cannot send the header ${JSON.stringify(Object.keys(headers)[0])}`,
      )
    expect(seen).toEqual([])
  })

  it('reads no endless answer', async () => {
    const endless = createServer((_request, response) => {
      const chunk = Buffer.alloc(1024 * 1024)
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
      }
      response.on('drain', more)
      more()
    }).listen(0, '127.0.0.1')
    servers.push(endless)
    await once(endless, 'listening')
    start(
      { baseUrl: `http://127.0.0.1:${(endless.address() as AddressInfo).port}`, timeoutMs: 20_000 },
      { timeoutMs: 30_000 },
    )
    expect(await problemOf('get')).toMatch(/^binding users: the answer has more than 33554432 bytes; use fetch\(\)/)
  })

  it('shows nothing of what it knows', async () => {
    start({ headers: { 'x-api-key': 'key-of-the-service' } }, { secrets: {} })
    const look = (await call('look')) as { own: string[]; same: boolean; frozen: boolean }
    expect(look).toMatchObject({ own: [], same: true, frozen: true })
    expect(JSON.stringify(look)).not.toMatch(/the-token|key-of|127\.0\.0\.1/)
  })

  it('is there in init, without an event', async () => {
    start({ path: 'users/{event.data.user}' }, { environment: { INIT: 'use' } })
    const [outcome] = await outcomesOf(pool, [invocationOf({ use: 'init' })])
    expect(jsonOf(outcome)).toEqual([
      { names: ['users'], error: 'binding users: path: {event.data.user} cannot be filled: init() has no event' },
    ])
  })

  it('of a batch takes nothing from an event, because there are several', async () => {
    start({ path: 'users/{event.data.user}' }, { handler: 'batch', batch: { maxEvents: 5 } })
    expect(await problemOf('get')).toMatch(/a batch has several events; say path or topic in the call$/)
    expect(await call('get', 'all')).toMatchObject({ status: 200 })
  })

  it.each([
    [{ baseUrl: 'http://user:the-password@127.0.0.1/' }, 'put credentials into headers.authorization or bearer'],
    [{ path: 'users/{user}' }, '{user} is no placeholder'],
    [{ path: '../{event.id}' }, 'the path has . or .. as a segment'],
    [{ token: 'line\nbreak-in-token' }, 'cannot send the header "authorization"'],
  ])('that cannot work is told when the worker starts: %j', async (definition, message) => {
    start(definition)
    expect(await run({ call: 'get' })).toEqual({ kind: 'not-started' })
    const { state, problem } = pool.stats()
    expect([state, problem]).toEqual(['quarantined', expect.stringContaining(message)])
    expect(problem).not.toMatch(/the-password|break-in/)
  })
})
