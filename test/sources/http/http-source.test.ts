import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../../src/errors/sluice-error.ts'
import { decodeEventHeader } from '../../../src/events/event-header-codec.ts'
import type { EventHeader } from '../../../src/events/event-header.ts'
import type { ReceiveFacts, ReceiveTracer } from '../../../src/sources/receive-tracer.ts'
import type { MemoryLog } from '../memory-log.ts'
import { openSocket, problem, startSource, type SourceFixture } from './source-fixture.ts'

const ce = (more: Record<string, string> = {}): Record<string, string> => ({
  'ce-specversion': '1.0',
  'ce-id': 'e1',
  'ce-source': '/shop',
  'ce-type': 'order.paid',
  'content-type': 'application/json',
  ...more,
})
const structured = (id: string, more: object = {}): string =>
  JSON.stringify({ specversion: '1.0', id, source: '/shop', type: 't', data: { n: 1 }, ...more })
const headers = (log: MemoryLog): EventHeader[] => log.records.map(record => decodeEventHeader(record.header!))
const refused = (fixture: SourceFixture): Readonly<Record<string, number>> => fixture.source.stats().refused
const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

describe('accepting events', () => {
  it('answers 202 with the place of the event, which is in the log byte for byte', async () => {
    await using fixture = await startSource({ mapping: { type: 'order', partitionkey: { pointer: '/customer' } } })
    const body = '{ "customer" : "c7",  "amount": 12.50 }'
    const response = await fixture.post(body)
    expect(response.status).toBe(202)
    const { id, partition, offset } = (await response.json()) as { id: string; partition: number; offset: number }
    const record = fixture.log.partitions[partition]![offset]!
    expect(record.value!.toString()).toBe(body)
    expect(record.key!.toString()).toBe('c7')
    expect(decodeEventHeader(record.header!)).toMatchObject({
      id,
      type: 'order',
      source: '/sources/shop',
      datacontenttype: 'application/json',
    })
    expect(fixture.source.stats()).toMatchObject({ state: 'running', accepted: 1, duplicates: 0, refused: {} })
  })

  it('answers only once the event is durable', async () => {
    await using fixture = await startSource()
    fixture.log.holding = true
    let answered = false
    const response = fixture.post('{}').finally(() => (answered = true))
    await expect.poll(() => fixture.log.held.length).toBe(1)
    expect(answered).toBe(false)
    fixture.log.held[0]!.complete()
    expect((await response).status).toBe(202)
  })

  it('takes binary and structured CloudEvents with their attributes', async () => {
    await using fixture = await startSource()
    expect((await fixture.post('{"a":1}', ce({ 'ce-subject': 'caf%C3%A9', 'ce-tenant': 'x' }))).status).toBe(202)
    const type = { 'content-type': 'application/cloudevents+json; charset=UTF-8' }
    expect(await (await fixture.post(structured('e2'), type)).json()).toMatchObject({ id: 'e2' })
    expect(headers(fixture.log)).toEqual([
      expect.objectContaining({ id: 'e1', source: '/shop', subject: 'café', extensions: { tenant: 'x' } }),
      expect.objectContaining({ id: 'e2', type: 't' }),
    ])
    expect(fixture.log.records[1]!.value!.toString()).toBe('{"n":1}')
  })

  it('takes a batch as a whole and lists where its events are, up to a hundred', async () => {
    await using fixture = await startSource()
    const batch = `[${Array.from({ length: 250 }, (_, i) => structured(`b${i}`)).join(',')}]`
    const response = await fixture.post(batch, { 'content-type': 'application/cloudevents-batch+json' })
    expect(response.status).toBe(202)
    const answer = (await response.json()) as { accepted: number; events: unknown[]; unlisted: number }
    expect(answer).toMatchObject({ accepted: 250, duplicates: 0, unlisted: 150 })
    expect(answer.events).toHaveLength(100)
    expect(fixture.log.records).toHaveLength(250)
  })

  it('answers a batch of one and a batch of none as batches', async () => {
    await using fixture = await startSource()
    const type = { 'content-type': 'application/cloudevents-batch+json' }
    expect(await (await fixture.post(`[${structured('x')}]`, type)).json()).toMatchObject({
      accepted: 1,
      events: [{ id: 'x' }],
    })
    expect(await (await fixture.post('[]', type)).json()).toEqual({ accepted: 0, duplicates: 0, events: [] })
  })

  it('maps every line of an NDJSON body to an event', async () => {
    await using fixture = await startSource({ mapping: { subject: { pointer: '/id' } } })
    const response = await fixture.post('{"id":"a"}\n{"id":"b"}\n\n', { 'content-type': 'application/x-ndjson' })
    expect(await response.json()).toMatchObject({ accepted: 2 })
    expect(headers(fixture.log).map(({ subject }) => subject)).toEqual(['a', 'b'])
  })

  it('takes a body that is no text, an empty one, and one without a content type', async () => {
    await using fixture = await startSource()
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    expect((await fixture.post(bytes, { 'content-type': 'application/octet-stream' })).status).toBe(202)
    const end = '\r\nconnection: close\r\n'
    expect(await fixture.raw(`POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 0${end}\r\n`)).toMatch(/^HTTP\/1.1 202/)
    expect(await fixture.raw(`POST /hook HTTP/1.1\r\nhost: x${end}\r\n`)).toMatch(/^HTTP\/1.1 202/)
    expect(await fixture.raw(`POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 3${end}\r\nabc`)).toMatch(
      /^HTTP\/1.1 202/,
    )
    expect(fixture.log.records.map(record => record.value!.length).sort()).toEqual([0, 0, 256, 3])
    expect(fixture.log.records.some(record => record.value!.equals(bytes))).toBe(true)
  })

  it('keeps what the request was, but no credentials', async () => {
    await using fixture = await startSource()
    const secret = { authorization: 'Bearer s3cret', cookie: 'sid=s3cret', 'x-shop': 'yes' }
    await fixture.post('{}', { 'content-type': 'application/json', ...secret }, '/hook?a=1&b=%20')
    expect(headers(fixture.log)[0]!.protocol).toMatchObject({
      kind: 'http',
      method: 'POST',
      path: '/hook',
      query: 'a=1&b=%20',
      headers: { 'x-shop': 'yes' },
    })
    expect(JSON.stringify(headers(fixture.log))).not.toContain('s3cret')
    expect(fixture.log.records[0]!.header!.includes('s3cret')).toBe(false)
  })

  it('asks for a body that the sender offers with Expect: 100-continue', async () => {
    await using fixture = await startSource()
    const head =
      'POST /hook HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: 2\r\n\r\n'
    expect(await fixture.raw(head, '{}')).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 202/)
  })
})

describe('traces', () => {
  it("puts the sender's traceparent into the event unless the event brings its own", async () => {
    await using fixture = await startSource()
    const own = parent.replace('4bf9', 'aaaa')
    await fixture.post('{}', { 'content-type': 'application/json', traceparent: parent })
    await fixture.post('{}', ce({ traceparent: parent, 'ce-traceparent': own }))
    await fixture.post('{}', { 'content-type': 'application/json', traceparent: 'nonsense' })
    const seen = headers(fixture.log).map(({ traceparent }) => traceparent)
    expect(new Set(seen)).toEqual(new Set([parent, own, undefined]))
  })

  it('hangs the event below the receive span and ends the span with the outcome', async () => {
    const seen: (string | ReceiveFacts | undefined)[] = []
    const child = parent.replace('00f067aa', 'bbbbbbbb')
    const tracer: ReceiveTracer = {
      receive(from, facts) {
        seen.push(from, facts)
        return { traceparent: child, end: outcome => seen.push(outcome) }
      },
    }
    await using fixture = await startSource({}, { tracer })
    await fixture.post('{}', { 'content-type': 'application/json', traceparent: parent })
    expect(headers(fixture.log)[0]!.traceparent).toBe(child)
    expect(seen).toEqual([parent, { system: 'http', destination: '/hook', source: 'shop', bodyBytes: 2 }, 'accepted'])
  })
})

describe('deduplication', () => {
  it('answers a known delivery with 200 and the place of the first', async () => {
    await using fixture = await startSource({ deduplicate: { header: 'X-Delivery' } })
    const send = (id: string): Promise<Response> => fixture.post('{}', { 'x-delivery': id })
    const first = await send('d1')
    expect(first.status).toBe(202)
    const repeat = await send('d1')
    expect(repeat.status).toBe(200)
    const { partition, offset } = (await first.json()) as { partition: number; offset: number }
    expect(await repeat.json()).toMatchObject({ partition, offset, duplicate: true })
    expect((await send('d2')).status).toBe(202)
    expect(fixture.source.stats()).toMatchObject({ accepted: 2, duplicates: 1 })
  })

  it('knows a CloudEvent by source and id when asked to', async () => {
    await using fixture = await startSource({ deduplicate: 'event' })
    expect((await fixture.post('{}', ce())).status).toBe(202)
    expect((await fixture.post('{}', ce())).status).toBe(200)
    expect((await fixture.post('{}', ce({ 'ce-source': '/other' }))).status).toBe(202)
  })

  it('knows a Stripe event by the id in its body', async () => {
    await using fixture = await startSource({ verify: { scheme: 'stripe', secrets: ['s3'], toleranceMs: 300_000 } })
    const send = (body: string): Promise<Response> => {
      const seconds = Math.floor(Date.now() / 1000)
      const signature = createHmac('sha256', 's3').update(`${seconds}.${body}`).digest('hex')
      return fixture.post(body, {
        'content-type': 'application/json',
        'stripe-signature': `t=${seconds},v1=${signature}`,
      })
    }
    expect((await send('{"id":"evt_1"}')).status).toBe(202)
    expect((await send('{"id":"evt_1"}')).status).toBe(200)
    expect((await send('{"id":"evt_2"}')).status).toBe(202)
  })
})

describe('bad input', () => {
  it('answers an invalid CloudEvent with 400 and names the attribute', async () => {
    await using fixture = await startSource()
    const response = await fixture.post('{}', ce({ 'ce-time': 'yesterday' }))
    expect(await problem(response)).toMatchObject({
      status: 400,
      code: 'SLUICE_EVENTS_INVALID',
      contentType: 'application/problem+json',
      detail: expect.stringContaining('time'),
    })
    const type = { 'content-type': 'application/cloudevents+json' }
    expect(await problem(await fixture.post('{"specversion":"1.0","id":"a","type":"t"}', type))).toMatchObject({
      status: 400,
      detail: expect.stringContaining('source'),
    })
    expect((await fixture.post('{"specversion":', type)).status).toBe(400)
    expect(fixture.log.records).toHaveLength(0)
    expect(refused(fixture)).toEqual({ invalid: 3 })
  })

  it('keeps nothing of a batch with one invalid event, and names its index', async () => {
    await using fixture = await startSource()
    const batch = `[${structured('a')},${structured('b', { id: '' })}]`
    const response = await fixture.post(batch, { 'content-type': 'application/cloudevents-batch+json' })
    expect(await problem(response)).toMatchObject({ status: 400, index: 1 })
    expect(fixture.log.records).toHaveLength(0)
  })

  it('answers a mapping that finds nothing with 400 and names the place', async () => {
    await using fixture = await startSource({ mapping: { subject: { pointer: '/order/id' } } })
    expect(await problem(await fixture.post('{"order":{}}'))).toMatchObject({
      status: 400,
      code: 'SLUICE_EVENTS_MAPPING',
      detail: expect.stringContaining('/order/id'),
    })
    expect(refused(fixture)).toEqual({ mapping: 1 })
  })

  it('answers a bad signature with 401, keeps nothing and shows no secret', async () => {
    const secret = 'never-show-this'
    await using fixture = await startSource({ verify: { scheme: 'github', secrets: [secret] } })
    const response = await fixture.post('{}', {
      'x-hub-signature-256': `sha256=${'0'.repeat(64)}`,
      'x-github-delivery': 'd',
    })
    const answer = await response.text()
    expect(response.status).toBe(401)
    expect(answer).toContain('SLUICE_HTTP_SIGNATURE')
    expect(answer).not.toContain(secret)
    expect(answer).not.toContain(createHmac('sha256', secret).update('{}').digest('hex'))
    expect((await fixture.post('{}')).status).toBe(401)
    expect(fixture.log.records).toHaveLength(0)
    expect(refused(fixture)).toEqual({ signature: 2 })
  })

  it('verifies before it parses: a bad signature is 401 even for an invalid event', async () => {
    await using fixture = await startSource({ verify: { scheme: 'github', secrets: ['s3'] } })
    expect((await fixture.post('not json', { 'content-type': 'application/cloudevents+json' })).status).toBe(401)
  })

  it('takes a replay of a signed delivery once', async () => {
    await using fixture = await startSource({ verify: { scheme: 'github', secrets: ['s3'] } })
    const signature = `sha256=${createHmac('sha256', 's3').update('{}').digest('hex')}`
    const send = (): Promise<Response> =>
      fixture.post('{}', { 'x-hub-signature-256': signature, 'x-github-delivery': 'd1' })
    expect([(await send()).status, (await send()).status]).toEqual([202, 200])
    expect(fixture.log.records).toHaveLength(1)
  })

  it('answers a content type it does not take with 415', async () => {
    await using fixture = await startSource({ accept: ['application/json', 'text/*'] })
    expect((await fixture.post('{}', { 'content-type': 'application/json; charset=utf-8' })).status).toBe(202)
    expect((await fixture.post('a', { 'content-type': 'text/csv' })).status).toBe(202)
    expect(await problem(await fixture.post('<a/>', { 'content-type': 'application/xml' }))).toMatchObject({
      status: 415,
      code: 'SLUICE_HTTP_CONTENT_TYPE',
      detail: expect.stringContaining('application/json'),
    })
    expect(refused(fixture)).toEqual({ 'content-type': 1 })
  })

  it('answers a content type that is none, another event format and a compressed body with 415', async () => {
    await using fixture = await startSource()
    expect((await fixture.post('{}', { 'content-type': 'nonsense' })).status).toBe(415)
    expect((await fixture.post('{}', { 'content-type': ' \tapplication/json' })).status).toBe(202)
    expect((await fixture.post('{}', { 'content-type': 'application/cloudevents+avro' })).status).toBe(415)
    expect((await fixture.post('{}', { 'content-encoding': 'gzip' })).status).toBe(415)
    expect((await fixture.post('{}', { 'content-encoding': 'identity' })).status).toBe(202)
  })

  it.each([
    ['SLUICE_LOG_FULL', 'full'],
    ['SLUICE_LOG_UNAVAILABLE', 'unavailable'],
    ['SLUICE_LOG_WRITE_FAILED', 'unavailable'],
    ['SLUICE_LOG_CLOSED', 'stopping'],
  ] as const)('answers %s with 503 and Retry-After, and goes on when there is room', async (code, reason) => {
    await using fixture = await startSource()
    fixture.log.holding = true
    const failing = fixture.post('{}')
    await expect.poll(() => fixture.log.held.length).toBe(1)
    fixture.log.held[0]!.fail(new SluiceError(code, 'no'))
    const response = await failing
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await problem(response)).toMatchObject({ status: 503, code })
    expect(refused(fixture)).toEqual({ [reason]: 1 })
    fixture.log.holding = false
    expect((await fixture.post('{}')).status).toBe(202)
  })

  it('answers an unexpected error with 500 and keeps its text inside', async () => {
    const taker = { take: () => Promise.reject(new Error('db password is x')) }
    await using fixture = await startSource({}, { taker })
    const response = await fixture.post('{}')
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('password')
  })
})

describe('the CloudEvents webhook handshake', () => {
  const ask = (fixture: SourceFixture, origin: string): Promise<Response> =>
    fetch(`${fixture.url}/hook`, {
      method: 'OPTIONS',
      headers: {
        'webhook-request-origin': origin,
        'webhook-request-rate': '120',
        'webhook-request-callback': 'http://127.0.0.1:1',
      },
    })

  it('allows configured origins', async () => {
    await using fixture = await startSource({ allowedOrigins: ['eventemitter.example.com'] })
    const response = await ask(fixture, 'eventemitter.example.com')
    expect(response.status).toBe(200)
    expect(response.headers.get('webhook-allowed-origin')).toBe('eventemitter.example.com')
    expect(response.headers.get('webhook-allowed-rate')).toBe('*')
    expect(response.headers.get('allow')).toBe('POST')
    expect((await ask(fixture, 'elsewhere.example.com')).status).toBe(403)
  })

  it('is not allowed where no origin is', async () => {
    await using fixture = await startSource()
    const response = await ask(fixture, 'a')
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  })
})

describe('stopping and starting', () => {
  it('answers 503 while stopped, finishes what was accepted, and takes events again after a start', async () => {
    await using fixture = await startSource()
    fixture.log.holding = true
    const accepted = fixture.post('{}')
    await expect.poll(() => fixture.log.held.length).toBe(1)
    let stopped = false
    const stopping = fixture.source.stop().then(() => (stopped = true))
    const refusal = await fixture.post('{}')
    expect([refusal.status, refusal.headers.get('retry-after')]).toEqual([503, '1'])
    expect(stopped).toBe(false)
    fixture.log.held[0]!.complete()
    expect((await accepted).status).toBe(202)
    await stopping
    fixture.log.holding = false
    await fixture.source.start()
    expect((await fixture.post('{}')).status).toBe(202)
  })

  it('does not take an event whose body was still on its way when it was stopped', async () => {
    await using fixture = await startSource()
    const socket = openSocket(fixture.listener.port!)
    let answer = ''
    socket.on('data', data => (answer += data.toString()))
    socket.write('POST /hook HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{')
    await expect.poll(() => fixture.listener.gauge.bytes).toBe(1)
    await Promise.all([fixture.source.stop(), fixture.source.stop()])
    const closed = once(socket, 'close')
    socket.write('}')
    await closed
    expect(answer).toMatch(/^HTTP\/1.1 503 /)
    expect(fixture.log.records).toHaveLength(0)
  })

  it('answers 404 once it is removed, and its path can be taken again', async () => {
    await using fixture = await startSource()
    await fixture.source.remove()
    expect((await fixture.post('{}')).status).toBe(404)
    await fixture.source.start()
    expect((await fixture.post('{}')).status).toBe(202)
  })
})
