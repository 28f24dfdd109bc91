import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startApiServer, type ApiServer } from '../api-server.ts'
import { whyViewOf } from '../sample-why.ts'

let server: ApiServer

beforeEach(async () => {
  server = await startApiServer()
})
afterEach(() => server.close())

describe('why', () => {
  it.each([
    ['event=42', { kind: 'event', id: '42', search: 20_000 }],
    [
      'event=a%2Fb&trigger=alerts&stream=orders&search=5',
      { kind: 'event', id: 'a/b', search: 5, trigger: 'alerts', stream: 'orders' },
    ],
    ['stream=orders&partition=3&offset=4711', { kind: 'position', stream: 'orders', partition: 3, offset: 4711 }],
    ['key=c7&trigger=alerts', { kind: 'key', key: 'c7', trigger: 'alerts' }],
    ['trigger=alerts', { kind: 'trigger', trigger: 'alerts' }],
    ['source=hooks', { kind: 'source', source: 'hooks' }],
  ])('asks the gateway: %s', async (query, asked) => {
    const { status, body } = await server.call('GET', `/v1/why?${query}`)
    expect([status, body]).toEqual([200, whyViewOf('alerts')])
    expect(server.control.calls.at(-1)).toEqual(['why', asked])
  })

  it.each([
    ['', 'query must have event, key, stream with partition and offset, or trigger or source alone'],
    ['stream=orders', 'query must have event, key, stream with partition and offset, or trigger or source alone'],
    ['trigger=alerts&stream=orders', 'or trigger or source alone'],
    ['source=hooks&trigger=alerts', 'query must have source alone'],
    ['partition=3&offset=1', 'query must have stream, partition and offset together'],
    ['event=1&key=2', 'query must have one of event, key, and stream with partition and offset'],
    ['event=', 'event must not be empty'],
    ['event=1&search=-1', 'search must be an integer from 0'],
    ['stream=orders&partition=0&offset=9007199254740993', 'offset must be an integer'],
  ])('refuses a question that is none: %s', async (query, detail) => {
    const { status, body } = await server.call('GET', `/v1/why?${query}`)
    expect([status, body.code]).toEqual([400, 'SLUICE_API_INVALID_REQUEST'])
    expect(body.detail).toContain(detail)
    expect(server.control.calls).toEqual([])
  })

  it('of an unknown trigger is 404', async () => {
    expect((await server.call('GET', '/v1/why?trigger=nope')).status).toBe(404)
  })
})
