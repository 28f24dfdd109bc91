import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { logLineOf } from '../../api/sample-views.ts'
import { startMemoryGateway, type MemoryGateway } from '../memory-gateway.ts'
import { cli } from '../test-io.ts'
import { putFunction } from './deployed-function.ts'

let gateway: MemoryGateway
beforeEach(async () => {
  gateway = await startMemoryGateway()
  putFunction(gateway, 'price', { versions: 3 })
})
afterEach(() => gateway.close())

const invoke = (...args: string[]) =>
  cli(['invoke', ...args], { environment: { SLUICE_URL: gateway.url }, stdin: '{"from":"stdin"}' })
const line = () => gateway.writes[0]?.line

describe('sluice invoke', () => {
  it.each([
    ['price', 'POST /v1/functions/price/invocations'],
    ['price@latest', 'POST /v1/functions/price/invocations'],
    ['price@3', 'POST /v1/functions/price/invocations?version=3'],
    ['price@live', 'POST /v1/functions/price/invocations?alias=live'],
  ])('runs %s', async (ref, expected) => {
    expect(await invoke(ref, '--data', 'hello')).toEqual({ code: 0, out: 'hello\n', err: '' })
    expect(line()).toBe(expected)
  })

  it('sends headers, and the content type that fits', async () => {
    const seen: Record<string, string>[] = []
    gateway.reply = (_name, { headers, contentType }) => {
      seen.push({ ...headers, contentType })
      return { body: Buffer.from('') }
    }
    await invoke('price', '--file', '-', '--header', 'ce-type:order.created', '--header', 'X-A: b:c')
    await invoke('price', '--data', 'no json')
    expect(seen[0]).toMatchObject({ contentType: 'application/json', 'ce-type': 'order.created', 'x-a': 'b:c' })
    expect(seen[1]).toMatchObject({ contentType: 'text/plain; charset=utf-8' })
  })

  it('prints logs beside the answer', async () => {
    gateway.reply = () => ({
      body: Buffer.from('{"total":3}'),
      version: '3',
      logs: [logLineOf(1, { atMs: 0, version: '3', level: 'warn', message: 'no rule\u001b[2J' })],
    })
    expect(await invoke('price', '--logs')).toEqual({
      code: 0,
      out: '{"total":3}\n',
      err: '1970-01-01T00:00:00.000Z WARN  3      no rule [2J\nprice (version 3) answered 200 in 1.5 ms\n',
    })
    expect(JSON.parse((await invoke('price', '--logs', '--json')).out)).toMatchObject({
      version: '3',
      logs: [{ id: 1 }],
    })
    expect(JSON.parse((await invoke('price', '--json')).out)).not.toHaveProperty('logs')
  })

  it('answers with the id of an asynchronous invocation, and where to look', async () => {
    expect(await invoke('price@live', '--async')).toEqual({
      code: 0,
      out: 'e1\n',
      err: 'Accepted at invocations-price/0/5; sluice logs price --invocation e1\n',
    })
    expect(line()).toBe('POST /v1/functions/price/invocations?alias=live&mode=async')
  })

  it('exits with 1 when a function answers so, and still prints its answer', async () => {
    gateway.reply = () => ({
      status: 404,
      headers: { 'content-type': 'application/problem+json' },
      body: Buffer.from('{"detail":"its own"}'),
    })
    expect(await invoke('price')).toEqual({
      code: 1,
      out: '{"detail":"its own"}\n',
      err: 'sluice: price answered 404\n',
    })
    expect((await invoke('price', '--json')).code).toBe(1)
  })

  it('tells problems of the gateway as such', async () => {
    const expected = 'sluice: the gateway answered 404 SLUICE_FUNCTIONS_NOT_FOUND: there is no function nope\n'
    expect(await invoke('nope')).toEqual({ code: 1, out: '', err: expected })
    expect(await invoke('nope', '--logs')).toEqual({ code: 1, out: '', err: expected })
  })

  it.each([
    ['what names no function', ['Price!'], "'Price!' names no function"],
    ['a header that is none', ['price', '--header', 'nocolon'], 'name:value'],
    ['a header with a line end', ['price', '--header', 'a:b\nc'], 'name:value'],
    ['logs of what runs later', ['price', '--async', '--logs'], 'cannot be used with'],
    ['data twice', ['price', '--data', 'x', '--file', '-'], 'cannot be used with'],
  ])('exits with 2 for %s', async (_what, args, expected) => {
    const { code, err } = await invoke(...args)
    expect([code, err]).toMatchObject([2, expect.stringContaining(expected)])
  })
})
