import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RecentEventPage } from '../../../src/api/views/recent-event-view.ts'
import { formatTrace } from '../../../src/cli/reports/trace-report.ts'
import { recentEventsOf } from '../../api/sample-recent-events.ts'
import { startMemoryGateway, type MemoryGateway } from '../memory-gateway.ts'
import { cli } from '../test-io.ts'

let gateway: MemoryGateway
beforeEach(async () => {
  gateway = await startMemoryGateway()
})
afterEach(() => gateway.close())

const sluice = (...args: string[]) => cli(args, { environment: { SLUICE_URL: gateway.url } })
const asked = () => gateway.requests.map(({ line }) => line)

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`

describe('sluice trace', () => {
  it.each([
    [[], 'limit=20'],
    [['--failed', '-n', '5'], 'failed=true&limit=5'],
    [[traceId], `trace=${traceId}&limit=20`],
    [[`trace:${traceId}`], `trace=${traceId}&limit=20`],
    [[traceparent], `trace=${traceparent}&limit=20`],
    [['orders/3/4711'], 'stream=orders&partition=3&offset=4711&limit=20'],
    [['key:c7:x', '--stream', 'orders'], 'key=c7:x&stream=orders&limit=20'],
    [['--key', 'c7'], 'key=c7&limit=20'],
    [['event:42', '--search', '9'], 'id=42&limit=20&search=9'],
    [['42'], 'id=42&limit=20'],
  ])('asks once for what is meant: %j', async (args, query) => {
    const { code, err } = await sluice('trace', ...args)
    expect([code, err]).toEqual([0, ''])
    expect(asked()).toEqual([`GET /v1/recent-events?${query}`])
  })

  it('takes what is no trace, although it looks like one, for an id', async () => {
    const { code, err } = await sluice('trace', '0'.repeat(31) + '1')
    expect(code).toBe(1)
    expect(err).toContain('there is no event with the id')
    expect(asked()).toHaveLength(2)
  })

  it.each([
    [['x', '--key', 'y'], 'not both'],
    [['orders/3/4711', '--stream', 'users'], 'the place is in orders'],
    [['x', '--limit', '0'], 'whole number'],
  ])('exits with 2 for %j', async (args, expected) => {
    expect(await sluice('trace', ...args)).toMatchObject({ code: 2, err: expect.stringContaining(expected) })
    expect(asked()).toEqual([])
  })

  it('prints the answer as JSON', async () => {
    const { out } = await sluice('trace', '42', '--json')
    expect(JSON.parse(out)).toEqual(recentEventsOf('none'))
  })
})

const change = (more: Partial<RecentEventPage>): RecentEventPage => ({ ...recentEventsOf('price-orders'), ...more })

describe('the story of an event', () => {
  it('stands in columns, in the order in which it happened', () => {
    expect(formatTrace(recentEventsOf('price-orders'), undefined)).toBe(
      `event 42 of key c7 in orders/3, offset 4711
  com.example.order.created from /shop, 120 B, trace 4bf92f3577b34da6a3ce929d0e0e4736
    14:02:00.000Z            accepted, and durable
  ● price-orders (price@live): done, waited 12 ms
    14:02:00.012Z    +12 ms  attempt 1, price@3: failed in 30.5 ms: Error: no price for c7
    14:02:01.050Z   +1.05 s  parked: its key waits aside, its partition flows on
    14:02:02.043Z   +2.04 s  attempt 2, price@4: succeeded in 8.25 ms, 1 result {"price":12.5}
    14:02:02.052Z   +2.05 s  sink priced: delivered in 3 ms
    14:02:02.055Z   +2.06 s  sink crm: delivered in 260 ms, 2 attempts
    14:02:02.315Z   +2.31 s  done
`,
    )
  })

  it('has the date where it is of another day', () => {
    const text = formatTrace(change({ atMs: Date.UTC(2026, 2, 2) }), undefined)
    expect(text).toContain('    2026-03-01 14:02:00.012Z    +12 ms  attempt 1')
  })

  it('says what is missing only where something is', () => {
    const incomplete = { leftOut: 7, crashes: 0, fromMs: 0, toMs: 1, sentence: '7 events were left out' }
    expect(formatTrace(change({ incomplete }), undefined)).not.toContain('left out')
    expect(formatTrace(change({ incomplete, items: [] }), undefined)).toContain('7 events were left out')
    const [item] = recentEventsOf('a').items
    const items = [{ ...item!, triggers: item!.triggers.map(told => ({ ...told, attempts: [], recorded: false })) }]
    expect(formatTrace(change({ incomplete, items }), undefined)).toMatch(/not recorded\n\n\(7 events were left out\)/)
  })

  it('lets nothing of others reach the terminal that is no text', () => {
    const [item] = recentEventsOf('a').items
    const items = [{ ...item!, id: 'a\u001b[2Jb', acceptedAtMs: Number.MAX_SAFE_INTEGER }]
    const text = formatTrace(change({ items }), { columns: 80, colors: false } as never)
    expect(text).toContain('event a [2Jb')
    expect(text).not.toContain('\u001b')
  })
})
