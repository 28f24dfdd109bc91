import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { followLogs } from '../../src/api/follow-logs.ts'
import { startApiServer, type ApiServer } from './api-server.ts'
import { logLineOf } from './sample-views.ts'
import { createStubControl } from './stub-control.ts'

let server: ApiServer

beforeEach(async () => {
  server = await startApiServer({ follow: { keepAliveMs: 5 } })
})
afterEach(() => server.close())

const open = async (query = ''): Promise<IncomingMessage> => {
  const [response] = (await once(get(`${server.url}/v1/functions/price/logs?follow=true${query}`), 'response')) as [
    IncomingMessage,
  ]
  return response
}

/** The next lines that are not empty. */
async function read(response: AsyncIterable<Buffer | string>, count: number): Promise<{ message?: string }[]> {
  const lines: { message?: string }[] = []
  let text = ''
  for await (const chunk of response) {
    text += String(chunk)
    const parts = text.split('\n')
    text = parts.pop() ?? ''
    for (const part of parts) if (part !== '') lines.push(JSON.parse(part) as { message?: string })
    if (lines.length >= count) break
  }
  return lines
}

const messages = (lines: readonly { message?: string }[]) => lines.map(({ message }) => message)

const tell = (...ids: number[]): void => {
  const lines = ids.map(id => logLineOf(id))
  server.control.lines.push(...lines)
  for (const onLines of server.control.followers) onLines(lines)
}

describe('following logs', () => {
  it('begins with the newest lines and goes on with those that come', async () => {
    tell(1, 2, 3)
    const response = await open('&limit=2')
    expect([response.statusCode, response.headers['content-type']]).toEqual([200, 'application/x-ndjson'])
    tell(4, 5)
    expect(messages(await read(response, 4))).toEqual(['line 2', 'line 3', 'line 4', 'line 5'])
  })

  it('reads everything after a line, page by page', async () => {
    tell(...Array.from({ length: 25 }, (_, index) => index + 1))
    const response = await open('&limit=10&after=3')
    expect(messages(await read(response, 22))).toEqual(Array.from({ length: 22 }, (_, index) => `line ${index + 4}`))
    const asked = server.control.calls.map(([, , query]) => (query as { afterId: number }).afterId)
    expect(asked).toEqual([3, 13, 23])
  })

  it('repeats and misses no line that comes while kept ones are read', async () => {
    const { logs } = server.control
    server.control.logs = async (name, query) => {
      tell(2)
      const page = await logs.call(server.control, name, query)
      tell(3)
      return page
    }
    tell(1)
    const response = await open()
    tell(4)
    expect(messages(await read(response, 4))).toEqual(['line 1', 'line 2', 'line 3', 'line 4'])
  })

  it('leaves out what the filter does not take', async () => {
    const response = await open('&text=line%202')
    tell(1, 2, 3, 20)
    expect(messages(await read(response, 2))).toEqual(['line 2', 'line 20'])
  })

  it('sends empty lines while nothing comes', async () => {
    const response = await open()
    let newlines = ''
    for await (const chunk of response) {
      newlines += String(chunk)
      if (newlines.length >= 3) break
    }
    expect(newlines).toMatch(/^\n{3,}$/)
  })

  it('stops asking the gateway when the reader is gone', async () => {
    const response = await open()
    const [follower] = server.control.followers
    const stopped = new Promise<void>(resolve => {
      server.control.followers.delete = onLines => {
        if (onLines === follower) resolve()
        return true
      }
    })
    response.destroy()
    await stopped
  })

  it('ends when the server closes', async () => {
    tell(1)
    const response = await open()
    const all = read(response, Infinity)
    await server.close()
    expect(messages(await all)).toEqual(['line 1'])
    expect(server.control.followers.size).toBe(0)
  })

  it('answers a problem before anything is sent, and stops following', async () => {
    const answer = await server.call('GET', '/v1/functions/nope/logs?follow=true')
    expect([answer.status, answer.body.code]).toEqual([404, 'SLUICE_FUNCTIONS_NOT_FOUND'])
    expect(server.control.followers.size).toBe(0)
  })

  it.each(['before=5', 'to=5'])('cannot be combined with %s', async query => {
    expect((await server.call('GET', `/v1/functions/price/logs?follow=true&${query}`)).status).toBe(400)
  })
})

describe('a reader that is too slow', () => {
  it('is cut off, with a last line that says so and where to go on', async () => {
    const control = createStubControl()
    const query = { limit: 100 }
    const stream = await followLogs(control, 'price', query, new AbortController().signal, { maxWaitingBytes: 10_000 })
    let told = 0
    while (control.followers.size > 0) for (const onLines of control.followers) onLines([logLineOf(++told)])
    expect(stream.readableLength).toBeLessThan(11_000)
    const lines = await read(stream as AsyncIterable<Buffer>, Infinity)
    expect(messages(lines.slice(0, -1))).toEqual(Array.from({ length: told }, (_, index) => `line ${index + 1}`))
    expect(lines.at(-1)).toMatchObject({
      code: 'SLUICE_API_SLOW_READER',
      detail: `more than 10000 bytes of log lines wait for this reader; follow again with after=${told}`,
    })
  })
})

describe('a page of logs', () => {
  it('is asked for with every part of the query', async () => {
    const query = 'level=warn&from=1000&to=2026-01-31T09:00:00Z&text=x&invocation=i1&version=3&limit=7&before=9'
    expect((await server.call('GET', `/v1/functions/price/logs?${query}`)).status).toBe(200)
    expect(server.control.calls).toEqual([
      [
        'logs',
        'price',
        {
          level: 'warn',
          fromMs: 1000,
          toMs: Date.UTC(2026, 0, 31, 9),
          text: 'x',
          invocationId: 'i1',
          version: '3',
          limit: 7,
          beforeId: 9,
        },
      ],
    ])
  })

  it('takes a time zone with a plus, which is a space in a query', async () => {
    await server.call('GET', '/v1/functions/price/logs?from=2026-01-31T10:00:00+01:00')
    expect(server.control.calls).toEqual([['logs', 'price', { limit: 100, fromMs: Date.UTC(2026, 0, 31, 9) }]])
  })

  it.each(['before=1&after=1', 'from=yesterday', 'from=2026-02-30T00:00:00Z', 'level=fatal', 'text=', 'limit=1001'])(
    'is refused with ?%s',
    async query => {
      expect((await server.call('GET', `/v1/functions/price/logs?${query}`)).status).toBe(400)
    },
  )
})
