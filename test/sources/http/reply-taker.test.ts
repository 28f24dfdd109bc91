import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { InvokeFunction, InvokeOptions, InvokeOutcome } from '../../../src/sources/http/invoke-function.ts'
import { ReplyTaker } from '../../../src/sources/http/reply-taker.ts'
import { openSocket, problem, startSource, type SourceFixture } from './source-fixture.ts'

const start = (invoke: InvokeFunction, timeoutMs = 5000): Promise<SourceFixture> =>
  startSource({}, { taker: new ReplyTaker({ functionName: 'price', timeoutMs, invoke }) })
const outcome =
  (value: InvokeOutcome): InvokeFunction =>
  () =>
    Promise.resolve(value)
const failed = (reason: 'error' | 'timeout'): InvokeFunction =>
  outcome({ kind: 'failed', error: { reason, name: 'Error', message: 'the secret is x' } })

describe('a source that replies', () => {
  it("answers with the function's result and keeps nothing", async () => {
    await using fixture = await start(event =>
      Promise.resolve({
        kind: 'succeeded',
        results: [{ meta: { status: 201, headers: { 'x-price': '7' } }, contentType: 'text/plain', data: event.value }],
      }),
    )
    const response = await fixture.post('hello')
    expect([response.status, response.headers.get('x-price')]).toEqual([201, '7'])
    expect(await response.text()).toBe('hello')
    expect(fixture.log.records).toHaveLength(0)
  })

  it('answers 204 when the function returns nothing', async () => {
    await using fixture = await start(outcome({ kind: 'succeeded', results: [] }))
    const response = await fixture.post('{}')
    expect([response.status, await response.text()]).toEqual([204, ''])
  })

  it.each([
    ['failed', failed('error'), 502, 'SLUICE_HTTP_FUNCTION_FAILED'],
    ['timed out', failed('timeout'), 504, 'SLUICE_HTTP_FUNCTION_TIMEOUT'],
    ['is busy', outcome({ kind: 'overloaded', retryAfterMs: 2500 }), 503, 'SLUICE_HTTP_FUNCTION_OVERLOADED'],
    ['is paused', outcome({ kind: 'unavailable', detail: 'it is paused' }), 409, 'SLUICE_HTTP_FUNCTION_PAUSED'],
  ] as const)('says so when the function %s, without its inner text', async (_name, invoke, status, code) => {
    await using fixture = await start(invoke)
    const response = await fixture.post('{}')
    expect(response.headers.get('retry-after')).toBe(status === 503 ? '3' : null)
    const answer = await problem(response)
    expect(answer).toMatchObject({ status, code, contentType: 'application/problem+json' })
    expect(JSON.stringify(answer)).not.toContain('secret')
  })

  it('answers 502 when the reply could inject a header', async () => {
    const meta = { headers: { 'x-a': 'b\r\nset-cookie: c' } }
    await using fixture = await start(
      outcome({ kind: 'succeeded', results: [{ meta, contentType: 'text/plain', data: Buffer.from('x') }] }),
    )
    const response = await fixture.post('{}')
    expect([response.status, response.headers.get('set-cookie')]).toEqual([502, null])
  })

  it('answers 504 after its own time-out although the invocation does not end, and aborts it', async () => {
    let seen: InvokeOptions | undefined
    await using fixture = await start((_event, options) => {
      seen = options
      void options.signal
      return new Promise(() => undefined)
    }, 50)
    expect((await fixture.post('{}')).status).toBe(504)
    expect(seen!.signal.aborted).toBe(true)
  })

  it('aborts when the caller goes away', async () => {
    const { promise, resolve } = Promise.withResolvers<AbortSignal>()
    let end: (outcome: InvokeOutcome) => void = () => undefined
    await using fixture = await start((_event, { signal }) => {
      resolve(signal)
      return new Promise(settle => (end = settle))
    })
    const socket = openSocket(fixture.listener.port!)
    socket.write('POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}')
    const signal = await promise
    socket.destroy()
    if (!signal.aborted) await once(signal, 'abort')
    end({ kind: 'succeeded', results: [] })
  })

  it('answers 500 when the invocation throws, and 400 for several events at once', async () => {
    await using fixture = await start(() => {
      throw new Error('the secret is x')
    })
    const response = await fixture.post('{}')
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret')
    expect((await fixture.post('{}\n{}', { 'content-type': 'application/x-ndjson' })).status).toBe(400)
  })
})
