import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { statsViewOf } from '../../api/sample-views.ts'
import { startMemoryGateway, type MemoryGateway } from '../memory-gateway.ts'
import { cli } from '../test-io.ts'
import { putFunction } from './deployed-function.ts'

let gateway: MemoryGateway
beforeEach(async () => void (gateway = await startMemoryGateway()))
afterEach(() => gateway.close())

const sluice = (...args: string[]) => cli(args, { environment: { SLUICE_URL: gateway.url } })
const onTerminal = (columns: number, ...args: string[]) =>
  cli(args, { environment: { SLUICE_URL: gateway.url }, terminal: { columns, colors: false } })

describe('sluice functions', () => {
  it('lists them, page after page', async () => {
    expect((await sluice('functions')).out).toBe('no functions\n')
    for (let index = 0; index < 1_100; index++) putFunction(gateway, `f-${index}`)
    expect(JSON.parse((await sluice('functions', '--json')).out)).toHaveLength(1_100)
  })

  it('finds them by label', async () => {
    putFunction(gateway, 'price', { labels: { team: 'billing' }, versions: 1 })
    putFunction(gateway, 'audit', { labels: { team: 'legal' } })
    const { out } = await sluice('functions', '--label', 'team=billing')
    expect(out).toMatch(/^FUNCTION {2}STATE .*\nprice {5}idle {3}price-1 .* team=billing {2}-\n$/)
  })

  it('fits the terminal', async () => {
    putFunction(gateway, 'price', { labels: { team: 'billing', purpose: 'a rather long text that needs room' } })
    const { out } = await onTerminal(60, 'functions')
    for (const line of out.trimEnd().split('\n')) expect(line.length).toBeLessThanOrEqual(60)
  })

  it.each([[['functions', 'price']], [['functions', 'show', 'price']]])('shows one in full: %j', async args => {
    putFunction(gateway, 'price', { versions: 12, labels: { team: 'billing' } })
    await sluice('alias', 'price', 'live', '3=90', '4=10')
    await sluice('triggers', 'create', 'price-orders', '--stream', 'orders', '--function', 'price@live')
    const { code, out, err } = await sluice(...args)
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^function +price\n/)
    expect(out).toMatch(/\nlabels\.team +billing\n/)
    expect(out).toMatch(/\nlive +3 90 %, 4 10 %/)
    expect(out).toMatch(/\nprice-orders +price@live\n/)
    expect(out).toContain('12 versions in all: sluice functions versions price\n')
    expect(out).not.toMatch(/undefined|null/)
    expect(JSON.parse((await sluice(...args, '--json')).out)).toMatchObject({ name: 'price', lastVersion: 12 })
  })

  it('lists versions, and deletes one', async () => {
    putFunction(gateway, 'price', { versions: 2 })
    expect((await sluice('functions', 'versions', 'price')).out).toMatch(/\n {6}2 .* no\. 2\n {6}1 .* no\. 1\n$/)
    expect((await sluice('functions', 'delete-version', 'price', '1')).out).toBe('Deleted price@1.\n')
    expect(JSON.parse((await sluice('functions', 'versions', 'price', '--json')).out)).toHaveLength(1)
  })

  it('disables, enables and deletes', async () => {
    putFunction(gateway, 'price')
    expect((await sluice('functions', 'disable', 'price')).out).toBe('price is disabled; its events wait\n')
    expect((await sluice('functions')).out).toContain('disabled')
    expect((await sluice('functions', 'enable', 'price')).out).toBe('price is enabled\n')
    await sluice('triggers', 'create', 't', '--stream', 'orders', '--function', 'price')
    expect(await sluice('functions', 'delete', 'price')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/needed by trigger t.*\(--force\)/),
    })
    expect((await sluice('functions', 'delete', 'price', '--force')).out).toBe('Deleted price.\n')
    expect(await sluice('functions', 'price')).toMatchObject({ code: 1, err: expect.stringContaining('404') })
  })

  it('says who may change what the configuration file manages', async () => {
    putFunction(gateway, 'price', { by: 'config' })
    expect((await sluice('functions', 'price')).out).toMatch(/managed by +the configuration file of the gateway/)
    expect((await sluice('functions', 'delete', 'price')).err).toContain('409 SLUICE_REGISTRY_MANAGED')
  })

  it('asks for nothing else when a name would change the path', async () => {
    expect(await sluice('functions', 'delete', '..', '--force')).toMatchObject({ code: 2 })
    expect(await sluice('functions', '')).toMatchObject({ code: 2 })
    expect(gateway.requests).toEqual([])
    expect((await sluice('functions', 'delete', 'a/b?c#d')).err).toContain('400 SLUICE_API_INVALID_REQUEST')
  })
})

describe('sluice triggers', () => {
  beforeEach(() => putFunction(gateway, 'price', { versions: 3 }))
  const create = (...args: string[]) =>
    sluice('triggers', 'create', 'price-orders', '--stream', 'orders', '--function', 'price@3', ...args)

  it('creates one, and never overwrites', async () => {
    const filter = '{"type":"com.example.order.*"}'
    const { code, out } = await create(
      '--filter',
      filter,
      '--sink',
      'priced',
      '--sink',
      'alerts',
      '--start',
      'offset:7',
    )
    expect([code, out]).toEqual([0, 'Created price-orders: orders → price@3\n'])
    expect(gateway.writes[0]).toMatchObject({
      ifNoneMatch: '*',
      body: {
        filter: { type: 'com.example.order.*' },
        sinks: ['priced', 'alerts'],
        start: { offset: 7 },
        ordering: 'key',
      },
    })
    expect(await create()).toMatchObject({ code: 1, err: expect.stringContaining('exists already') })
  })

  it.each([
    ['latest', 'latest'],
    ['2026-03-01T08:00:00Z', { timestampMs: Date.UTC(2026, 2, 1, 8) }],
  ])('begins at %s', async (text, start) => {
    await create('--start', text)
    expect(gateway.writes[0]?.body).toMatchObject({ start })
  })

  it('updates what is said, at the revision that it saw', async () => {
    await create('--max-in-flight', '5', '--sink', 'priced')
    const { out } = await sluice(
      'triggers',
      'update',
      'price-orders',
      '--function',
      'price',
      '--no-sinks',
      '--disabled',
    )
    expect(out).toBe(
      '~ trigger price-orders\n    enabled   true → false\n    sinks     ["priced"] → []\n    function  price@3 → price\n',
    )
    expect(gateway.writes[1]).toMatchObject({ ifMatch: expect.stringMatching(/^"\d+"$/), body: { maxInFlight: 5 } })
    expect((await sluice('triggers', 'update', 'price-orders', '--disabled')).out).toBe('= trigger price-orders\n')
    expect(gateway.writes).toHaveLength(2)
    expect(await sluice('triggers', 'update', 'price-orders', '--stream', 'telemetry')).toMatchObject({
      code: 2,
      err: expect.stringContaining('stream is "orders" and cannot be changed'),
    })
  })

  it('changes one part of the retry and keeps the others', async () => {
    await create('--max-attempts', '7', '--max-age', '1h')
    expect(gateway.writes[0]).toMatchObject({ body: { retry: { maxAttempts: 7, maxAgeMs: 3_600_000 } } })
    await sluice('triggers', 'update', 'price-orders', '--max-age', '10m', '--retry-mode', 'delayed')
    expect(gateway.writes[1]).toMatchObject({
      body: { retry: { maxAttempts: 7, maxAgeMs: 600_000, mode: 'delayed' } },
    })
  })

  it('switches a circuit breaker on, with the defaults where nothing is said, changes and removes it', async () => {
    await create('--breaker', '{"failureRate":0.8}')
    expect(gateway.writes[0]).toMatchObject({ body: { breaker: { failureRate: 0.8, minAttempts: 20, probes: 3 } } })
    await sluice('triggers', 'update', 'price-orders', '--breaker', 'on')
    expect(gateway.writes[1]).toMatchObject({ body: { breaker: { failureRate: 0.5 } } })
    const { out } = await sluice('triggers', 'update', 'price-orders', '--breaker', 'off')
    expect(out).toContain('breaker.failureRate')
    expect(gateway.writes[2]?.body).not.toHaveProperty('breaker')
  })

  it('lists, shows and deletes', async () => {
    await create()
    expect((await sluice('triggers', '--function', 'other')).out).toBe('no triggers\n')
    expect((await sluice('triggers', '--function', 'price')).out).toContain('price-orders  running  orders  price@3')
    expect((await sluice('triggers', 'price-orders')).out).toMatch(/\nfunction +price@3\n/)
    expect((await sluice('triggers', 'delete', 'price-orders')).out).toBe('Deleted price-orders.\n')
  })

  it.each([
    ['a filter that is no JSON', ['--filter', '{'], 'It is not JSON'],
    ['a start that is none', ['--start', 'soon'], 'must be earliest, latest, offset:<n>'],
    ['an order that is none', ['--ordering', 'total'], 'Allowed choices are key, partition, none'],
    ['a circuit breaker that is none', ['--breaker', '7'], 'It must be on, off, or an object'],
    ['on and off at once', ['--enabled', '--disabled'], 'cannot be used with'],
  ])('exits with 2 for %s', async (_what, args, expected) => {
    expect(await create(...args)).toMatchObject({ code: 2, err: expect.stringContaining(expected) })
  })

  it('needs a stream and a function', async () => {
    expect(await sluice('triggers', 'create', 'x', '--stream', 'orders')).toMatchObject({ code: 2 })
  })
})

describe('sluice stats', () => {
  it('tells the figures of each version', async () => {
    gateway.stats = statsViewOf('price', '3', 3_600_000)
    const { out } = await sluice('stats', 'price', '--window', '10m', '--version', '3')
    expect(gateway.requests[0]?.line).toBe('GET /v1/functions/price/stats?version=3&window=600000')
    expect(out.split('\n', 2)).toEqual([
      'VERSION  INVOCATIONS  FAILURES  TIMEOUTS  RETRIES  DEAD LETTERS  MEAN  P50   P95   P99   QUEUE P95  COLD STARTS  CPU     MIB·S',
      '3                  1         0         0        0             0  1 ms  1 ms  2 ms  3 ms  -                    1  0.5 ms    1.5',
    ])
  })

  it('draws how it went', async () => {
    const view = statsViewOf('price', 'latest', 60_000)
    const [figures] = view.totals
    const series = [10, 0, 40, 80].map((invocations, index) => ({
      ...figures!,
      atMs: 20_000 + index * 10_000,
      invocations,
      failures: index,
    }))
    gateway.stats = { ...view, atMs: 60_000, series }
    const { out } = await sluice('stats', 'price')
    expect(out).toContain(
      'The last 1m:\ninvocations  ▁▂▁▅█▁  at most 80 in 10 s\nfailures     ▁▁▃▆█▁  at most 3 in 10 s\n',
    )
  })

  it('fits the terminal, and gives everything as JSON', async () => {
    gateway.stats = statsViewOf('price', 'latest', 3_600_000)
    const { out } = await onTerminal(80, 'stats', 'price')
    for (const line of out.trimEnd().split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect(JSON.parse((await sluice('stats', 'price', '--json')).out)).toEqual(gateway.stats)
  })
})

describe('sluice, whatever it lists', () => {
  it.each(['streams', 'sources', 'sinks'])('%s', async noun => {
    const { code, out } = await sluice(noun)
    expect(code).toBe(0)
    expect(out).not.toMatch(/undefined/)
    expect(JSON.parse((await sluice(noun, '--json')).out)).toBeInstanceOf(Array)
  })

  it('lets nothing through in JSON, either, that a terminal obeys', async () => {
    gateway.streams = [{ name: 'x', kind: 'home', partitions: [], bytes: null, detail: 'a\u009b2Jb\u202ec' }]
    const { out } = await sluice('streams', '--json')
    expect(out).toContain('"a\\u009b2Jb\\u202ec"')
    expect(JSON.parse(out)).toMatchObject(gateway.streams)
  })
})
