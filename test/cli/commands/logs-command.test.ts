import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { logLineOf } from '../../api/sample-views.ts'
import { startMemoryGateway, type MemoryGateway } from '../memory-gateway.ts'
import { cli, startCli } from '../test-io.ts'
import { putFunction } from './deployed-function.ts'

let gateway: MemoryGateway
beforeEach(async () => {
  gateway = await startMemoryGateway()
  putFunction(gateway, 'price')
})
afterEach(() => gateway.close())

const logs = (...args: string[]) => cli(['logs', 'price', ...args], { environment: { SLUICE_URL: gateway.url } })
const follow = (...args: string[]) =>
  startCli(['logs', 'price', '--follow', ...args], { environment: { SLUICE_URL: gateway.url } })
const fill = (count: number) => gateway.log(...Array.from({ length: count }, (_, index) => logLineOf(index + 1)))
const followed = () => gateway.requests.filter(({ line }) => line.includes('follow=true'))

/** Resolves once somebody follows (again). */
async function isFollowed(times: number): Promise<void> {
  while (followed().length < times || gateway.followers.size === 0) await new Promise(resolve => setImmediate(resolve))
}

describe('sluice logs', () => {
  it('prints the newest lines in their order', async () => {
    fill(3)
    const { code, out } = await logs('--limit', '2')
    expect(code).toBe(0)
    expect(out).toBe('1970-01-01T00:00:00.002Z INFO  latest line 2\n1970-01-01T00:00:00.003Z INFO  latest line 3\n')
  })

  it('reads page after page', async () => {
    fill(2_500)
    const { out } = await logs('--limit', '2400', '--json')
    const ids = (JSON.parse(out) as { id: number }[]).map(({ id }) => id)
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([2_400, 101, 2_500])
    expect(gateway.requests.map(({ line }) => line)).toEqual([
      'GET /v1/functions/price/logs?limit=1000',
      'GET /v1/functions/price/logs?limit=1000&before=1501',
      'GET /v1/functions/price/logs?limit=400&before=501',
    ])
  })

  it('filters', async () => {
    const filters = ['--level', 'warn', '--since', '2026-03-01T08:00:00Z', '--until', '2026-03-01T09:00:00Z']
    await logs(...filters, '--text', 'too hot', '--invocation', 'i1', '--trace', 't1', '--version', '3')
    expect(gateway.requests[0]?.line).toBe(
      'GET /v1/functions/price/logs?level=warn&from=1772352000000&to=1772355600000&text=too+hot&invocation=i1&trace=t1&version=3&limit=100',
    )
  })

  it('says when there is nothing, beside the output', async () => {
    expect(await logs()).toEqual({ code: 0, out: '', err: 'no lines\n' })
    expect((await logs('--json')).out).toBe('[]\n')
  })

  it('exits with 1 for a function that is not there, followed or not', async () => {
    const environment = { SLUICE_URL: gateway.url }
    for (const args of [
      ['logs', 'nope'],
      ['logs', 'nope', '--follow'],
    ]) {
      expect(await cli(args, { environment })).toMatchObject({
        code: 1,
        err: expect.stringContaining('no function nope'),
      })
    }
    expect((await logs('--follow', '--url', 'http://127.0.0.1:1')).code).toBe(3)
  })
})

describe('sluice logs --follow', () => {
  it('prints lines as they come, until Ctrl-C', async () => {
    fill(2)
    const running = follow()
    await running.printed('line 2')
    gateway.log(logLineOf(3, { level: 'error', message: 'new' }))
    await running.printed('ERROR latest new')
    running.interrupt()
    expect(await running.ended).toMatchObject({ code: 0, err: '' })
    expect(running.out.split('\n')).toHaveLength(4)
  })

  it('goes on after a connection that breaks, without losing or repeating a line', async () => {
    fill(2)
    const running = follow('--json')
    await isFollowed(1)
    await running.printed('"id":2')
    // While nobody is connected, lines come.
    gateway.app.server.closeAllConnections()
    gateway.log(logLineOf(3), logLineOf(4))
    await isFollowed(2)
    gateway.log(logLineOf(5))
    await running.printed('"id":5')
    gateway.app.server.closeAllConnections()
    await isFollowed(3)
    gateway.log(logLineOf(6))
    await running.printed('"id":6')
    running.interrupt()
    const { code, out, err } = await running.ended
    expect(code).toBe(0)
    expect(
      out
        .trim()
        .split('\n')
        .map(line => (JSON.parse(line) as { id: number }).id),
    ).toEqual([1, 2, 3, 4, 5, 6])
    expect(err).toContain('connection lost')
    expect(err).toContain('connected again')
    expect(followed().at(-1)?.line).toContain('after=5')
  })

  it('cannot follow into the past', async () => {
    const { code, err } = await logs('--follow', '--until', '10m')
    expect([code, err]).toMatchObject([2, expect.stringContaining('cannot be used with')])
  })
})
