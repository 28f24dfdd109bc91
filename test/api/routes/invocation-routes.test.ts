import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startApiServer, type ApiServer } from '../api-server.ts'

let server: ApiServer

beforeEach(async () => {
  server = await startApiServer()
})
afterEach(() => server.close())

const path = '/v1/functions/echo/invocations'
const call: ApiServer['call'] = (...args) => server.call(...args)
const invoked = () => server.control.invocations.at(-1)

describe('an invocation', () => {
  it('hands the bytes on as they came, and the reply back as it is', async () => {
    const body = Buffer.from([0, 255, 1])
    const headers = { 'content-type': 'application/x-odd', authorization: 'Basic x', 'ce-id': '1' }
    const response = await fetch(server.url + path, { method: 'POST', body, headers })
    expect(response.status).toBe(201)
    expect(response.headers.get('content-type')).toBe('application/x-odd')
    expect(Buffer.from(await response.arrayBuffer())).toEqual(body)
    expect(invoked()).toMatchObject({ headers: { 'ce-id': '1' }, logs: false, version: { kind: 'latest' } })
    expect(invoked()?.headers).not.toHaveProperty('authorization')
  })

  it.each([
    ['version=3', { kind: 'version', version: 3 }],
    ['version=latest', { kind: 'latest' }],
    ['alias=live', { kind: 'alias', alias: 'live' }],
  ])('runs the version that ?%s asks for', async (query, version) => {
    await call('POST', `${path}?${query}`, {})
    expect(invoked()?.version).toEqual(version)
  })

  it('answers with its logs in an envelope', async () => {
    const answer = await call('POST', `${path}?logs=true`, { a: 'é' })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({
      status: 201,
      headers: { 'x-function': 'echo' },
      body: '{"a":"é"}',
      version: '3',
      durationMs: 1.5,
      logs: [{ message: 'line 1', invocationId: 'i1' }],
    })
    const bytes = await call('POST', `${path}?logs=true`, Buffer.from([0xff, 0]))
    expect(bytes.body).toMatchObject({ bodyBase64: '/wA=' })
    expect(bytes.body).not.toHaveProperty('body')
  })

  it('is accepted with the place where it is durable', async () => {
    const answer = await call('POST', `${path}?mode=async`, {})
    expect([answer.status, answer.body]).toEqual([
      202,
      { id: 'e1', stream: 'invocations-echo', partition: 0, offset: 5 },
    ])
  })

  it.each([
    'version=3&alias=live',
    'version=live',
    'alias=3',
    'mode=later',
    'mode=async&logs=true',
    'logs=1',
    'versoin=3',
  ])('is refused with ?%s', async query => {
    const answer = await call('POST', `${path}?${query}`, {})
    expect([answer.status, answer.body.code]).toEqual([400, 'SLUICE_API_INVALID_REQUEST'])
    expect(server.control.invocations).toEqual([])
  })

  it('is told when to come again: soon, or when the gateway thinks that it pays', async () => {
    const full = await call('POST', path, 'full')
    expect([full.status, full.headers.get('retry-after')]).toEqual([503, '1'])
    const busy = await call('POST', path, 'busy')
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '7'])
  })
})
