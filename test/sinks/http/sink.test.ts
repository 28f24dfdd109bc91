import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import Value from 'typebox/value'
import { afterEach, describe, expect, it } from 'vitest'
import { httpSinkSchema, type HttpSinkConfig } from '../../../src/config/sections/http-sink.ts'
import { createHttpSink } from '../../../src/sinks/http/sink.ts'
import { unrestricted } from '../../../src/sinks/result-policy.ts'
import type { OutgoingResult, Sink } from '../../../src/sinks/sink.ts'

interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A destination that answers as it is told and keeps what it got. */
async function startDestination(answer: (response: ServerResponse, count: number) => void = end(200)) {
  const received: Received[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      received.push({ method: request.method!, url: request.url!, headers: request.headers, body })
      answer(response, received.length)
    })
  })
  server.on('connection', socket => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return { received, sockets, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

function end(status: number, headers: Record<string, string> = {}, body = ''): (response: ServerResponse) => void {
  return response => void response.writeHead(status, headers).end(body)
}

function openSink(settings: Record<string, unknown>): Sink {
  const config = Value.Default(httpSinkSchema, { type: 'http', ...settings }) as HttpSinkConfig
  const sink = createHttpSink({ name: 'ops', config })
  closers.push(() => sink.close())
  return sink
}

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const result = (more: Partial<OutgoingResult['header']> = {}, meta: OutgoingResult['meta'] = {}): OutgoingResult => {
  const header = {
    id: 'r1',
    source: '/functions/alert',
    type: 'alert.raised',
    subject: 'device-7',
    datacontenttype: 'application/json',
    traceparent,
    acceptedAtMs: 1,
    hops: 0,
    dedupId: 'internal',
    ...more,
  }
  const cause = { ...header, id: 'cause', subject: 'a/b c' }
  return { header, value: Buffer.from('{"level":3}'), meta, cause, policy: unrestricted }
}

describe('a delivery', () => {
  it('is a binary CloudEvent with its trace and an idempotency key', async () => {
    const destination = await startDestination()
    await openSink({
      url: `${destination.url}/in/{subject}?type={type}`,
      headers: { Authorization: 'Bearer t' },
    }).deliver(result({ subject: 'café' }))
    const [request] = destination.received
    expect(request).toMatchObject({ method: 'POST', url: '/in/a%2Fb%20c?type=alert.raised', body: '{"level":3}' })
    expect(request!.headers).toMatchObject({
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': 'r1',
      'ce-type': 'alert.raised',
      'ce-source': '/functions/alert',
      'ce-subject': 'caf%C3%A9',
      traceparent,
      'idempotency-key': 'r1',
      authorization: 'Bearer t',
    })
    expect(JSON.stringify(request!.headers)).not.toContain('internal')
  })

  it('is one JSON document in structured mode, and the bare body in plain mode', async () => {
    const destination = await startDestination()
    await openSink({ url: destination.url, contentMode: 'structured', method: 'PUT' }).deliver(result())
    await openSink({ url: destination.url, contentMode: 'plain' }).deliver(result())
    const [structured, plain] = destination.received
    expect(structured!.method).toBe('PUT')
    expect(structured!.headers['content-type']).toMatch(/^application\/cloudevents\+json/)
    expect(JSON.parse(structured!.body)).toMatchObject({ specversion: '1.0', id: 'r1', data: { level: 3 } })
    expect(plain).toMatchObject({ body: '{"level":3}', headers: { 'content-type': 'application/json', traceparent } })
    expect(plain!.headers['ce-id']).toBeUndefined()
  })

  it("lets the operator's headers win over the handler's, and the event's too", async () => {
    const destination = await startDestination()
    const meta = { headers: { authorization: 'mine', 'ce-id': 'forged', 'x-note': 'hi' } }
    await openSink({ url: destination.url, headers: { authorization: 'theirs' } }).deliver(result({}, meta))
    expect(destination.received[0]!.headers).toMatchObject({ authorization: 'theirs', 'ce-id': 'r1', 'x-note': 'hi' })
  })

  it('is done with any 2xx, whatever its body, and uses its connections again', async () => {
    const destination = await startDestination((response, count) => end(count % 2 ? 202 : 204)(response))
    const sink = openSink({ url: destination.url, connections: 2 })
    await Promise.all(Array.from({ length: 50 }, () => sink.deliver(result())))
    expect(destination.received).toHaveLength(50)
    expect(destination.sockets.size).toBeLessThanOrEqual(2)
    expect(sink.health()).toEqual({ ready: true })
  })

  it('is done although the text of a 2xx never ends, and reads only so much of it', async () => {
    let written = 0
    const destination = await startDestination(response => {
      response.writeHead(200)
      const block = Buffer.alloc(64 * 1024)
      const more = (): void => {
        while (!response.destroyed && (written += block.length) < 1e9 && response.write(block));
      }
      response.on('drain', more)
      more()
    })
    await openSink({ url: destination.url }).deliver(result())
    expect(written).toBeLessThan(100e6)
  })
})

describe('a delivery that fails', () => {
  it.each([429, 408, 500, 502, 503, 504])('may succeed later after %i', async status => {
    const destination = await startDestination(end(status))
    const sink = openSink({ url: destination.url })
    await expect(sink.deliver(result())).rejects.toMatchObject({
      code: 'SLUICE_SINKS_UNAVAILABLE',
      retryable: true,
      details: { statusCode: status },
    })
    expect(sink.health().ready).toBe(false)
  })

  it.each([400, 401, 404, 410, 413, 422])('is final after %i', async status => {
    const destination = await startDestination(end(status, {}, 'why'))
    await expect(openSink({ url: destination.url }).deliver(result())).rejects.toMatchObject({
      code: 'SLUICE_SINKS_REJECTED',
      retryable: false,
    })
  })

  it('follows no redirect', async () => {
    const elsewhere = await startDestination()
    for (const status of [301, 302, 307, 308]) {
      const destination = await startDestination(end(status, { location: elsewhere.url }))
      await expect(openSink({ url: destination.url }).deliver(result())).rejects.toThrow(/redirects are not followed/)
    }
    expect(elsewhere.received).toHaveLength(0)
  })

  it('tells how long the destination asks to wait', async () => {
    const destination = await startDestination(end(503, { 'retry-after': '7' }))
    await expect(openSink({ url: destination.url }).deliver(result())).rejects.toMatchObject({
      details: { retryAfterMs: 7000 },
    })
  })

  it('ends with its time-out when no answer comes', async () => {
    const destination = await startDestination(() => undefined)
    await expect(openSink({ url: destination.url, timeoutMs: 100 }).deliver(result())).rejects.toMatchObject({
      code: 'SLUICE_SINKS_TIMEOUT',
      retryable: true,
    })
  })

  it('may succeed later when nobody listens, or the connection breaks, and works again then', async () => {
    const broken = createTcpServer(socket => socket.once('data', () => socket.destroy())).listen(0, '127.0.0.1')
    await once(broken, 'listening')
    const { port } = broken.address() as AddressInfo
    const sink = openSink({ url: `http://127.0.0.1:${port}/token-in-path` })
    const unavailable = {
      code: 'SLUICE_SINKS_UNAVAILABLE',
      retryable: true,
      message: expect.not.stringContaining('token'),
    }
    await expect(sink.deliver(result())).rejects.toMatchObject(unavailable)
    broken.close()
    await once(broken, 'close')
    await expect(sink.deliver(result())).rejects.toMatchObject(unavailable)
    const revived = createServer((_request, response) => void response.end()).listen(port, '127.0.0.1')
    await once(revived, 'listening')
    closers.push(() => {
      revived.close()
      revived.closeAllConnections()
    })
    await sink.deliver(result())
    expect(sink.health()).toEqual({ ready: true })
  })

  it('is final when a header of the handler could inject another, or the URL cannot be filled', async () => {
    const destination = await startDestination()
    const sink = openSink({ url: `${destination.url}/{tenant}` })
    await expect(sink.deliver(result())).rejects.toMatchObject({ code: 'SLUICE_SINKS_TEMPLATE', retryable: false })
    const meta = { headers: { 'x-a': 'b\r\nc: d' } }
    await expect(openSink({ url: destination.url }).deliver(result({}, meta))).rejects.toMatchObject({
      code: 'SLUICE_SINKS_HEADER',
      retryable: false,
    })
    expect(destination.received).toHaveLength(0)
  })

  it('after closing is refused, and what was under way has ended', async () => {
    const destination = await startDestination()
    const sink = openSink({ url: destination.url })
    const delivered = sink.deliver(result())
    await sink.close()
    await delivered
    await expect(sink.deliver(result())).rejects.toMatchObject({ code: 'SLUICE_SINKS_CLOSED' })
  })
})

describe('a sink that may not call private addresses', () => {
  it('refuses literal ones in any spelling, and names that resolve to them', async () => {
    const destination = await startDestination()
    const port = new URL(destination.url).port
    for (const host of [
      '127.0.0.1',
      '127.1',
      '0x7f.1',
      '2130706433',
      '[::1]',
      '[::ffff:127.0.0.1]',
      'localhost',
      '10.0.0.1',
    ]) {
      const sink = openSink({ url: `http://${host}:${port}/`, allowPrivate: false, timeoutMs: 2000 })
      await expect(sink.deliver(result()), host).rejects.toMatchObject({
        code: 'SLUICE_SINKS_ADDRESS_DENIED',
        retryable: false,
      })
    }
    expect(destination.received).toHaveLength(0)
  })
})

describe('the configuration of a sink', () => {
  it.each(['http://{subject}/a', 'http://h{subject}.example.com/', 'http://a:b@h/', 'http://h/{', 'ftp://h/'])(
    'refuses the URL %s',
    url => {
      expect(() => openSink({ url })).toThrow(/sinks\.ops\.url/)
    },
  )

  it('refuses a header that it cannot send, without showing its value', () => {
    const open = (): Sink => openSink({ url: 'http://h/', headers: { authorization: 'top\nsecret' } })
    expect(open).toThrow(/authorization/)
    expect(open).not.toThrow(/secret/)
  })
})

describe('the policy of a result', () => {
  it('keeps it from a sink that the role does not name', async () => {
    const destination = await startDestination()
    const sink = openSink({ url: destination.url })
    const policy = { role: { sinks: ['audit'] }, network: undefined }
    await expect(sink.deliver({ ...result(), policy })).rejects.toMatchObject({
      code: 'SLUICE_SINKS_FORBIDDEN',
      retryable: false,
    })
    expect(destination.received).toEqual([])
    await sink.deliver({ ...result(), policy: { role: { sinks: ['ops'] }, network: undefined } })
    expect(destination.received.length).toBe(1)
    expect(sink.health()).toEqual({ ready: true })
  })

  it('keeps it from a host that the network does not allow, also of another spelling', async () => {
    const destination = await startDestination()
    const { port } = new URL(destination.url)
    const allowing = (...allow: string[]): OutgoingResult => ({
      ...result(),
      policy: { role: undefined, network: { allow } },
    })
    const sink = openSink({ url: destination.url })
    for (const denied of [allowing(), allowing('example.com'), allowing('*.0.0.1')])
      await expect(sink.deliver(denied)).rejects.toMatchObject({
        code: 'SLUICE_SINKS_NETWORK_POLICY',
        retryable: false,
      })
    expect(destination.received).toEqual([])
    expect(sink.health()).toEqual({ ready: true })
    await sink.deliver(allowing('example.com', '127.0.0.1'))
    await openSink({ url: `http://0x7f.1:${port}/` }).deliver(allowing('127.0.0.1'))
    expect(destination.received.length).toBe(2)
  })

  it('follows no redirect to a host that it does not allow', async () => {
    const elsewhere = await startDestination()
    const destination = await startDestination(end(307, { location: elsewhere.url.replace('127.0.0.1', 'localhost') }))
    const policy = { role: undefined, network: { allow: ['127.0.0.1'] } }
    await expect(openSink({ url: destination.url }).deliver({ ...result(), policy })).rejects.toMatchObject({
      code: 'SLUICE_SINKS_REJECTED',
    })
    expect(elsewhere.received).toEqual([])
  })
})
