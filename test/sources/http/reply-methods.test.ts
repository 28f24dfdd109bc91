import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ReplyTaker } from '../../../src/sources/http/reply-taker.ts'
import type { IncomingEvent } from '../../../src/sources/source.ts'
import { problem, startSource, type SourceFixture } from './source-fixture.ts'

let fixture: SourceFixture
let seen: IncomingEvent[]

const replying = (reply: Record<string, unknown>) =>
  startSource(
    { path: '/api', reply: { function: 'api', timeoutMs: 1000, methods: ['POST'], subpaths: false, ...reply } },
    {
      taker: new ReplyTaker({
        functionName: 'api',
        timeoutMs: 1000,
        invoke: event => {
          seen.push(event)
          return Promise.resolve({
            kind: 'succeeded',
            results: [{ meta: { status: 200, headers: {} }, contentType: 'text/plain', data: Buffer.from('ok') }],
          })
        },
      }),
    },
  )

beforeEach(() => void (seen = []))
afterEach(async () => fixture[Symbol.asyncDispose]())

describe('an HTTP source that replies', () => {
  it('answers the methods that it names and no others', async () => {
    fixture = await replying({ methods: ['GET', 'DELETE'] })
    for (const method of ['GET', 'DELETE']) expect((await fetch(`${fixture.url}/api?a=1`, { method })).status).toBe(200)
    expect(seen.map(({ header }) => header.protocol)).toMatchObject([
      { kind: 'http', method: 'GET', path: '/api', query: 'a=1' },
      { kind: 'http', method: 'DELETE', path: '/api', query: 'a=1' },
    ])
    const refused = await fetch(`${fixture.url}/api`, { method: 'POST', body: '{}' })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, DELETE'])
    expect(await problem(refused)).toMatchObject({ code: 'SLUICE_HTTP_METHOD_NOT_ALLOWED' })
  })

  it('answers what is below its path only when it says so', async () => {
    fixture = await replying({ methods: ['GET'] })
    expect((await fetch(`${fixture.url}/api/things/7`)).status).toBe(404)
    await fixture[Symbol.asyncDispose]()
    fixture = await replying({ methods: ['GET'], subpaths: true })
    expect((await fetch(`${fixture.url}/api/things/7`)).status).toBe(200)
    expect((await fetch(`${fixture.url}/apis`)).status).toBe(404)
    expect(seen.map(({ header }) => header.protocol)).toMatchObject([{ path: '/api/things/7' }])
  })

  it('gives everything up with its path', async () => {
    fixture = await replying({ methods: ['GET'], subpaths: true })
    await fixture.source.remove()
    expect((await fetch(`${fixture.url}/api/things/7`)).status).toBe(404)
  })
})
