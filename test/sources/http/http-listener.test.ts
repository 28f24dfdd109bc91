import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { createHttpListener, isLoopback } from '../../../src/sources/http/http-listener.ts'
import { HttpSource } from '../../../src/sources/http/http-source.ts'
import { exchange, listenerConfig, openSocket, problem, sourceConfig, startSource } from './source-fixture.ts'

const head = (length: number | string, more = ''): string =>
  `POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n${more}\r\n`

describe('where a listener binds', () => {
  it('refuses an open address without authentication and says how to allow it', () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.1', 'example.com']) {
      expect(() => createHttpListener({ config: listenerConfig({ host }) })).toThrow(/insecure/)
    }
    createHttpListener({ config: listenerConfig({ host: '0.0.0.0', insecure: true }) })
    createHttpListener({ config: listenerConfig({ host: '0.0.0.0' }), hasAuthentication: true })
  })

  it.each([
    ['127.0.0.1', true],
    ['127.8.8.8', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['localhost.example.com', false],
    ['10.0.0.1', false],
  ])('takes %s for loopback: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected)
  })

  it('names the port when it is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const listener = createHttpListener({ config: listenerConfig({ port }) })
    await expect(listener.start()).rejects.toMatchObject({
      code: 'SLUICE_HTTP_PORT_IN_USE',
      message: expect.stringContaining(String(port)),
    })
    await listener.stop()
    other.close()
  })
})

describe('paths and methods', () => {
  it('answers an unknown path with 404, without reading the body', async () => {
    await using fixture = await startSource()
    expect(await problem(await fixture.post('{}', {}, '/nowhere'))).toMatchObject({
      status: 404,
      code: 'SLUICE_HTTP_NOT_FOUND',
      contentType: 'application/problem+json',
    })
    for (const path of [
      '/',
      '/hook/',
      '/hook/x',
      '/HOOK',
      '/%68ook',
      '//hook',
      '/__proto__',
      '/constructor',
      '/hook%00',
    ]) {
      expect((await fixture.post('{}', {}, path)).status, path).toBe(404)
    }
    expect((await fetch(`${fixture.url}/nowhere`)).status).toBe(404)
    expect(fixture.log.records).toHaveLength(0)
  })

  it('answers another method on a source with 405 and Allow', async () => {
    await using fixture = await startSource()
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD']) {
      const response = await fetch(`${fixture.url}/hook?x=1`, { method })
      expect([method, response.status, response.headers.get('allow')]).toEqual([method, 405, 'POST'])
    }
  })

  it('gives a path to one source only, and never one of the gateway itself', async () => {
    await using fixture = await startSource()
    const another = (path: string): HttpSource =>
      new HttpSource({
        name: 'other',
        config: sourceConfig({ path }),
        routes: fixture.listener.routes,
        taker: { take: () => Promise.reject(new Error('unused')) },
      })
    await expect(another('/hook').start()).rejects.toMatchObject({ code: 'SLUICE_HTTP_PATH_TAKEN' })
    await expect(another('/v1/functions').start()).rejects.toMatchObject({ code: 'SLUICE_HTTP_PATH_TAKEN' })
    await expect(another('/metrics').start()).rejects.toMatchObject({ code: 'SLUICE_HTTP_PATH_TAKEN' })
    await another('/metrics-of-mine').start()
  })

  it('leaves routes of the API alone', async () => {
    const listener = createHttpListener({ config: listenerConfig() })
    listener.app.post('/v1/echo', request => ({ got: request.body }))
    listener.app.get('/v1/fail', () => {
      throw new Error('secret detail')
    })
    await listener.start()
    const headers = { 'content-type': 'application/json' }
    const echo = await fetch(`${listener.url}/v1/echo`, { method: 'POST', headers, body: '{"a":1}' })
    expect(await echo.json()).toEqual({ got: { a: 1 } })
    const bad = await fetch(`${listener.url}/v1/echo`, { method: 'POST', headers, body: '{' })
    expect(await problem(bad)).toMatchObject({ status: 400, code: 'SLUICE_HTTP_MALFORMED' })
    const failed = await fetch(`${listener.url}/v1/fail`)
    expect(failed.status).toBe(500)
    expect(await failed.text()).not.toContain('secret')
    await listener.stop()
  })
})

describe('bodies over the limit', () => {
  it('are refused by Content-Length with 413 before anything is read', async () => {
    await using fixture = await startSource({ maxBodyBytes: 1000 })
    // Not one byte of the body is sent: the answer cannot depend on it.
    const answer = await fixture.raw(head(1001))
    expect(answer).toMatch(/^HTTP\/1.1 413 /)
    expect(answer).toMatch(/connection: close/i)
    expect(answer).toContain('SLUICE_HTTP_BODY_TOO_LARGE')
    expect((await fixture.post('x'.repeat(1000))).status).toBe(202)
    expect(fixture.source.stats().refused).toEqual({ 'too-large': 1 })
  })

  it('are refused when a chunked body grows over the limit', async () => {
    await using fixture = await startSource({ maxBodyBytes: 1000 })
    const chunk = `258\r\n${'x'.repeat(600)}\r\n`
    const request = 'POST /hook HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n'
    expect(await fixture.raw(request, chunk, chunk, chunk)).toMatch(/^HTTP\/1.1 413 /)
    expect(fixture.listener.gauge).toMatchObject({ requests: 0, bytes: 0 })
    expect(await fixture.raw(request.replace('host: x', 'host: x\r\nconnection: close'), chunk, '0\r\n\r\n')).toMatch(
      /^HTTP\/1.1 202 /,
    )
  })

  it('reach a sender that writes all of it before it reads, and cost no memory', async () => {
    await using fixture = await startSource({ maxBodyBytes: 1000 })
    const size = 64 * 1024 * 1024
    const before = process.memoryUsage().arrayBuffers
    const socket = openSocket(fixture.listener.port!)
    socket.on('error', () => undefined)
    let answer = ''
    socket.on('data', data => (answer += data.toString()))
    socket.write(head(size))
    const block = Buffer.alloc(64 * 1024)
    const closed = new Promise(resolve => socket.on('close', resolve))
    const pump = (): void => {
      while (socket.writable && socket.write(block));
    }
    socket.on('drain', pump)
    pump()
    await closed
    expect(answer).toMatch(/^HTTP\/1.1 413 /)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
  })

  it('are refused before they are sent when the sender asks first', async () => {
    await using fixture = await startSource({ maxBodyBytes: 1000 })
    expect(await fixture.raw(head(2000, 'expect: 100-continue\r\n'))).toMatch(/^HTTP\/1.1 413 /)
  })
})

describe('overload', () => {
  it('is answered with 503 and Retry-After before the body is read, and ends when there is room', async () => {
    await using fixture = await startSource({}, { listener: { maxInflightRequests: 2 } })
    fixture.log.holding = true
    const waiting = [fixture.post('{}'), fixture.post('{}')]
    await expect.poll(() => fixture.log.held.length).toBe(2)
    const refusal = await fixture.post('{}')
    expect(refusal.status).toBe(503)
    // A second, and up to one and a half more by chance.
    expect(['1', '2', '3']).toContain(refusal.headers.get('retry-after'))
    expect(await fixture.raw(head(500_000))).toMatch(/^HTTP\/1.1 503 /)
    for (const append of fixture.log.held) append.complete()
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([202, 202])
    fixture.log.holding = false
    expect((await fixture.post('{}')).status).toBe(202)
    expect(fixture.source.stats().refused).toEqual({ overloaded: 2 })
  })

  it('counts bytes that wait for the log, and those of a body as they arrive', async () => {
    await using fixture = await startSource({}, { listener: { maxInflightBytes: 10_000 } })
    fixture.log.holding = true
    const waiting = fixture.post('x'.repeat(8000))
    await expect.poll(() => fixture.log.held.length).toBe(1)
    expect((await fixture.post('x'.repeat(3000))).status).toBe(503)
    const chunked = 'POST /hook HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nbb8\r\n'
    expect(await fixture.raw(chunked, 'x'.repeat(3000), '\r\n')).toMatch(/^HTTP\/1.1 503 /)
    fixture.log.held[0]!.complete()
    await waiting
    await expect.poll(() => ({ ...fixture.listener.gauge })).toMatchObject({ requests: 0, bytes: 0 })
  })
})

describe('malformed and slow requests', () => {
  const bad: [string, string, number][] = [
    ['two lengths', 'POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}', 400],
    [
      'length and chunked',
      'POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}',
      400,
    ],
    ['a negative length', 'POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n', 400],
    ['a line feed inside a header', 'POST /hook HTTP/1.1\r\nhost: x\r\na: b\nc\r\n\r\n', 400],
    ['no host', 'POST /hook HTTP/1.1\r\n\r\n', 400],
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['a wrong chunk size', 'POST /hook HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n', 400],
    ['headers of 20 KiB', `POST /hook HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ]

  it.each(bad)('answers %s with an error, keeps nothing and goes on', async (_name, request, status) => {
    await using fixture = await startSource()
    expect(await fixture.raw(request)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(fixture.log.records).toHaveLength(0)
    expect((await fixture.post('{}')).status).toBe(202)
    await expect.poll(() => ({ ...fixture.listener.gauge })).toMatchObject({ requests: 0, bytes: 0 })
  })

  it('keeps nothing of a body that breaks off, and forgets its bytes', async () => {
    await using fixture = await startSource()
    const socket = openSocket(fixture.listener.port!)
    socket.write(head(1000) + 'x'.repeat(500))
    await expect.poll(() => fixture.listener.gauge.bytes).toBe(500)
    socket.destroy()
    await expect.poll(() => ({ ...fixture.listener.gauge })).toMatchObject({ requests: 0, bytes: 0 })
    expect(fixture.source.stats().refused).toEqual({ aborted: 1 })
    expect(fixture.log.records).toHaveLength(0)
  })

  it('ends a request whose headers or body do not come, with 408', async () => {
    await using fixture = await startSource({}, { listener: { headersTimeoutMs: 300, requestTimeoutMs: 500 } })
    const [headers, body] = await Promise.all([fixture.raw('POST /hook HTTP/1.1\r\n'), fixture.raw(head(10) + 'x')])
    expect(headers).toMatch(/^HTTP\/1.1 408 /)
    expect(body).toMatch(/^HTTP\/1.1 408 /)
    await expect.poll(() => ({ ...fixture.listener.gauge })).toMatchObject({ requests: 0, bytes: 0 })
  })
})

describe('stopping a listener', () => {
  it('finishes what was accepted, refuses the rest on open connections, and closes', async () => {
    await using fixture = await startSource()
    const port = fixture.listener.port!
    fixture.log.holding = true
    const open = openSocket(port)
    await once(open, 'connect')
    const accepted = fixture.post('{}')
    await expect.poll(() => fixture.log.held.length).toBe(1)
    // A request under way keeps its connection open; what comes on it later is refused.
    let late = ''
    open.on('data', data => (late += data.toString()))
    open.write('POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n')
    await expect.poll(() => fixture.listener.gauge.requests).toBe(2)
    const stopping = fixture.listener.stop()
    await expect(exchange(port, [head(2) + '{}'])).rejects.toThrow(/ECONNREFUSED/)
    open.write('{}')
    await expect.poll(() => fixture.log.held.length).toBe(2)
    open.write('POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}')
    for (const append of fixture.log.held) append.complete()
    expect((await accepted).status).toBe(202)
    await stopping
    expect(late).toMatch(/^HTTP\/1.1 202 /)
    expect(late).toMatch(/connection: close/i)
    expect(fixture.log.records).toHaveLength(2)
  })
})
