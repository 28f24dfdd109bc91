import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { watchPaths } from '../../src/api/watch-paths.ts'
import { startApiServer, type ApiServer } from './api-server.ts'

let server: ApiServer

beforeEach(async () => {
  server = await startApiServer({ watch: { intervalMs: 5, keepAliveMs: 20 } })
})
afterEach(() => server.close())

const open = async (query: string, headers: Record<string, string> = {}): Promise<IncomingMessage> => {
  const [response] = (await once(get(`${server.url}/v1/live?${query}`, { headers }), 'response')) as [IncomingMessage]
  return response
}

interface Told {
  readonly event: string
  readonly data: {
    readonly path?: string
    readonly status?: number
    readonly body?: { readonly state?: string; readonly code?: string }
  }
}

/** The next events, comments left out. */
async function* eventsOf(response: AsyncIterable<Buffer | string>): AsyncGenerator<Told> {
  let text = ''
  for await (const chunk of response) {
    text += String(chunk)
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? []
      if (event !== undefined && data !== undefined) yield { event, data: JSON.parse(data) as Told['data'] }
    }
  }
}

describe('GET /v1/live', () => {
  it('tells what each path answers, then that all are told, then only what has changed', async () => {
    const response = await open('watch=/v1/triggers/alerts&watch=/v1/sources')
    expect(response.headers['content-type']).toBe('text/event-stream')
    const events = eventsOf(response)
    const first = [(await events.next()).value, (await events.next()).value, (await events.next()).value] as Told[]
    expect(first.map(({ event, data }) => [event, data.path, data.status])).toEqual([
      ['answer', '/v1/triggers/alerts', 200],
      ['answer', '/v1/sources', 200],
      ['ready', undefined, undefined],
    ])
    await server.call('POST', '/v1/triggers/alerts/pause', { reason: 'test' })
    const { value } = (await events.next()) as { value: Told }
    expect(value).toMatchObject({ event: 'answer', data: { path: '/v1/triggers/alerts', body: { state: 'paused' } } })
    response.destroy()
  })

  it('tells what a path has against the question, as GET would', async () => {
    const response = await open('watch=/v1/triggers/nope')
    const { value } = (await eventsOf(response).next()) as { value: Told }
    expect(value.data).toMatchObject({ path: '/v1/triggers/nope', status: 404, body: { code: 'SLUICE_API_NOT_FOUND' } })
    response.destroy()
  })

  it('sends something now and then although nothing changes, so that the connection stays', async () => {
    const response = await open('watch=/v1/sources')
    let text = ''
    for await (const chunk of response) {
      text += String(chunk)
      if (text.split('\n:\n').length > 3) break
    }
    expect(text.match(/event: answer/g)).toHaveLength(1)
  })

  it.each([
    ['nothing', ''],
    ['what is no path of the API', 'watch=/metrics'],
    ['itself', 'watch=/v1/live'],
    ['itself, in disguise', 'watch=/v1/x/../live'],
    ['logs that never end', 'watch=/v1/functions/price/logs%3Ffollow%3Dtrue'],
    ['too much', Array.from({ length: 17 }, (_, index) => `watch=/v1/triggers/t${index}`).join('&')],
  ])('refuses to watch %s', async (_name, query) => {
    const { status, body } = await server.call('GET', `/v1/live?${query}`)
    expect([status, body['code']]).toEqual([400, 'SLUICE_API_INVALID_REQUEST'])
  })

  it('does not tell more than its reader may ask for', async () => {
    await server.close()
    server = await startApiServer({ token: 'a-token-for-tests', watch: { intervalMs: 5 } })
    expect((await server.call('GET', '/v1/live?watch=/v1/sources')).status).toBe(401)
    const response = await open('watch=/v1/sources', { authorization: 'Bearer a-token-for-tests' })
    const { value } = (await eventsOf(response).next()) as { value: Told }
    expect(value.data.status).toBe(200)
    response.destroy()
  })

  it('ends when the server closes', async () => {
    const response = await open('watch=/v1/sources')
    const ended = (async () => {
      for await (const told of eventsOf(response)) void told
    })().catch(() => undefined)
    await server.close()
    await ended
    server = await startApiServer()
  })
})

describe('a reader that reads nothing', () => {
  it('is not asked for more than may wait, and gets the last state when it reads again', async () => {
    let state = 0
    const closing = new AbortController()
    const stream = watchPaths(
      () => Promise.resolve({ status: 200, body: JSON.stringify({ state: ++state, padding: 'x'.repeat(1_000) }) }),
      ['/v1/a'],
      closing.signal,
      { intervalMs: 1, maxWaitingBytes: 10_000 },
    )
    while (stream.readableLength <= 10_000) await new Promise(resolve => setImmediate(resolve))
    const asked = state
    for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setTimeout(resolve, 1))
    expect(state).toBe(asked)
    stream.read()
    while (state === asked) await new Promise(resolve => setImmediate(resolve))
    closing.abort()
    expect(stream.destroyed).toBe(true)
  })
})
