import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { WhySource } from '../../../src/api/views/why-view.ts'
import { formatWhy } from '../../../src/cli/reports/why-report.ts'
import { whyViewOf } from '../../api/sample-why.ts'
import { startMemoryGateway, type MemoryGateway } from '../memory-gateway.ts'
import { cli } from '../test-io.ts'
import { putFunction } from './deployed-function.ts'

let gateway: MemoryGateway
beforeEach(async () => {
  gateway = await startMemoryGateway()
  putFunction(gateway, 'price')
  await sluice('triggers', 'create', 'price-orders', '--stream', 'orders', '--function', 'price')
  gateway.requests.splice(0)
})
afterEach(() => gateway.close())

const sluice = (...args: string[]) => cli(args, { environment: { SLUICE_URL: gateway.url } })
const asked = () => gateway.requests.map(({ line }) => line)

describe('sluice why', () => {
  it.each([
    [['price-orders'], 'trigger=price-orders'],
    [['--trigger', 'price-orders'], 'trigger=price-orders'],
    [['orders/3/4711'], 'stream=orders&partition=3&offset=4711'],
    [['orders/3/4711', '--trigger', 'price-orders'], 'stream=orders&partition=3&offset=4711&trigger=price-orders'],
    [['key:c7:x', '--stream', 'orders'], 'key=c7:x&stream=orders'],
    [['--key', 'c7'], 'key=c7'],
    [['source:hooks'], 'source=hooks'],
    [['event:42', '--search', '9'], 'event=42&search=9'],
    [['42', '--stream', 'orders'], 'event=42&stream=orders'],
  ])('asks once for what is meant: %j', async (args, query) => {
    const { code, err } = await sluice('why', ...args)
    expect([code, err]).toEqual([0, ''])
    expect(asked()).toEqual([`GET /v1/why?${query}`])
  })

  it('takes what is no trigger for the id of an event', async () => {
    expect((await sluice('why', '42')).code).toBe(0)
    expect(asked()).toEqual(['GET /v1/why?trigger=42', 'GET /v1/why?event=42'])
    gateway.requests.splice(0)
    // What cannot be a name need not be looked for.
    expect((await sluice('why', 'A/42')).err).toContain('there is no event with the id A/42')
    expect(asked()).toEqual(['GET /v1/why?event=A/42'])
  })

  it('guesses a trigger that is misspelt', async () => {
    const { code, err } = await sluice('why', 'price-order')
    expect(code).toBe(1)
    expect(err).toMatch(
      /there is no trigger 'price-order'; did you mean 'price-orders'\? .*there is no event with the id price-order/,
    )
  })

  it.each([
    [[], 'why what?'],
    [['x', '--key', 'y'], 'not both'],
    [['x', '--search', 'many'], 'whole number'],
  ])('exits with 2 for %j', async (args, expected) => {
    expect(await sluice('why', ...args)).toMatchObject({ code: 2, err: expect.stringContaining(expected) })
    expect(asked()).toEqual([])
  })

  it('prints a sentence with times for people, in UTC for a file', async () => {
    const { out } = await sluice('why', 'orders/3/4711', '--trigger', 'price-orders')
    expect(out.split('\n')).toEqual([
      '● price-orders: event 42 of key c7 (orders/3, offset 4711) waits behind offset 4708 of its key, whose attempt 3 of 5 ' +
        'is due at 2026-03-01T14:02:10Z, in 12 s (no price at 2026-03-01T10:00:00Z)',
      '  event 42, com.example.order.created from /shop, accepted 2026-03-01T14:01:28Z, 30 s ago, 120 B, trace ' +
        '4bf92f3577b34da6a3ce929d0e0e4736',
      '',
    ])
    const json = await sluice('why', 'orders/3/4711', '--trigger', 'price-orders', '--json')
    expect(JSON.parse(json.out)).toEqual(whyViewOf('price-orders'))
  })

  it('tells local times on a terminal, and lets text of others look like a time', () => {
    const local = new Date(Date.UTC(2026, 2, 1, 14, 2, 10)).toTimeString().slice(0, 8)
    const out = formatWhy(whyViewOf('t'), { columns: 80, colors: false })
    expect(out).toContain(`is due at ${local}, in 12 s (no price at 2026-03-01T10:00:00Z)`)
  })

  it('tells what could be done, that nobody reads a stream, and that more could be looked through', () => {
    const view = whyViewOf('t')
    const [answer] = view.answers
    expect(formatWhy({ ...view, answers: [{ ...answer!, next: 'sluice resume t\u001b[2J' }] }, undefined)).toContain(
      '\n    sluice resume t [2J\n',
    )
    expect(formatWhy({ ...view, answers: [] }, undefined)).toMatch(/^no trigger reads orders: nothing waits for it\n/)
    const flood: WhySource = {
      ...{ source: 'hooks', kind: 'http', stream: 'orders', verdict: 'paused', next: 'sluice resume source hooks' },
      ...{
        sentence: 'source hooks was paused by ada at 2026-03-01T14:01:28Z: flood',
        facts: { sinceMs: view.atMs - 30_000 },
      },
    }
    expect(formatWhy({ ...view, events: [], answers: [], sources: [flood] }, undefined)).toBe(
      '● source hooks was paused by ada at 2026-03-01T14:01:28Z, 30 s ago: flood\n    sluice resume source hooks\n',
    )
    const searched = { streams: ['orders'], events: 20_000, complete: false }
    expect(formatWhy({ ...view, searched }, undefined)).toContain(
      '(found among the newest 20,000 events of orders; there may be',
    )
  })
})
