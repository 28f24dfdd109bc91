import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EventInTrigger, RecentEventPage, RecentEventView } from '../../src/api/views/recent-event-view.ts'
import { functionFile, startGateway, type GatewayProcess } from './gateway-process.ts'
import { HttpReceiver } from './http-receiver.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const retry = (maxAttempts: number, initialDelayMs = 1) => ({ retry: { maxAttempts, initialDelayMs, jitter: 0 } })

let gateway: GatewayProcess
let receiver: HttpReceiver

beforeAll(async () => {
  // Refuses a result once, or always, where the event says so.
  receiver = await HttpReceiver.start((body, before) => (body.includes('"refused":true') && before === 0 ? 503 : 200))
  gateway = await startGateway({
    config: {
      // One partition, so that the tests know the offsets.
      streams: { orders: { partitions: 1 }, silent: { partitions: 1 } },
      sources: {
        orders: { type: 'http', path: '/orders', stream: 'orders' },
        silent: { type: 'http', path: '/silent', stream: 'silent' },
      },
      functions: { stumble: { file: functionFile('stumble.mjs'), ...retry(3) } },
      sinks: { crm: { type: 'http', url: `${receiver.url}/` } },
      triggers: {
        price: { stream: 'orders', function: 'stumble', sinks: ['crm'] },
        picky: { stream: 'orders', function: 'stumble', filter: { type: 'none.such' } },
      },
    },
  })
  await send('orders', 'good', 'k1')
  await send('orders', 'slow', 'k2', { fails: 2 })
  await send('orders', 'bad', 'k3', { fails: 9 })
  await send('orders', 'refused', 'k4', { refused: true })
  await send('silent', 'silent', 'k1')
}, 90_000)

afterAll(async () => {
  await gateway.dispose()
  await receiver.stop()
})

async function send(source: string, id: string, key: string, more: object = {}): Promise<void> {
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': id,
    'ce-source': '/test',
    'ce-type': 'test',
    'ce-partitionkey': key,
    // The sender does not sample: it has a trace all the same.
    ...(id === 'slow' ? { traceparent: `00-${traceId}-00f067aa0ba902b7-00` } : {}),
  }
  expect((await gateway.post(`/${source}`, { id, ...more }, headers)).status).toBe(202)
}

const ask = (query: string) => gateway.get<RecentEventPage>(`/v1/recent-events?${query}`)

/** The only event that a question finds, once a trigger is through with it. */
async function finished(
  query: string,
  trigger = 'price',
): Promise<{ readonly event: RecentEventView; readonly told: EventInTrigger }> {
  return gateway.until(`${query} is finished`, async () => {
    const { items } = await ask(query)
    const told = items[0]?.triggers.find(one => one.trigger === trigger)
    if (items.length !== 1 || told?.finishedAtMs == null) return undefined
    return { event: items[0] as RecentEventView, told }
  })
}

describe('a recent event', () => {
  it('is found by its id, with its attempt, its result and its sink', async () => {
    const { event, told } = await finished('id=good')
    expect(event).toMatchObject({ stream: 'orders', partition: 0, offset: 0, id: 'good', key: 'k1', type: 'test' })
    expect(told).toMatchObject({
      functionRef: 'stumble',
      state: 'done',
      sentence: 'price: event good of key k1 (orders/0, offset 0) is done',
      attempts: [{ attempt: 1, version: 'stumble@latest', outcome: 'succeeded' }],
      results: 1,
      result: [{ contentType: 'application/json', text: '{"price":12.5,"refused":false}' }],
      sinks: [{ sink: 'crm', outcome: 'delivered', attempts: 1 }],
      parkedAtMs: null,
      recorded: true,
    })
    const [attempt] = told.attempts
    expect(told.waitedMs).toBe(Math.max(0, (attempt?.startedAtMs ?? NaN) - (event.acceptedAtMs ?? NaN)))
    expect(told.finishedAtMs).toBeGreaterThanOrEqual(told.sinks[0]?.startedAtMs ?? Infinity)
  })

  it('tells of the triggers that it is not for, too', async () => {
    const { event } = await finished('id=good')
    expect(event.triggers.find(({ trigger }) => trigger === 'picky')).toMatchObject({ state: 'filtered', attempts: [] })
    const [only] = (await ask('id=good&trigger=picky')).items
    expect(only?.triggers.map(({ trigger }) => trigger)).toEqual(['picky'])
  })

  it('is found by its trace with every attempt, although nobody samples it', async () => {
    const { event, told } = await finished(`trace=${traceId}`)
    expect(event).toMatchObject({ id: 'slow', traceId })
    expect(told.attempts.map(({ attempt, outcome, error }) => [attempt, outcome, error])).toEqual([
      [1, 'failed', 'Error: no price for slow yet'],
      [2, 'failed', 'Error: no price for slow yet'],
      [3, 'succeeded', undefined],
    ])
    expect((await ask(`trace=00-${traceId}-00f067aa0ba902b7-01`)).items[0]?.id).toBe('slow')
  })

  it('that is a dead letter is found by its position, and by its failure', async () => {
    const { event, told } = await finished('stream=orders&partition=0&offset=2')
    expect(event.id).toBe('bad')
    expect(told).toMatchObject({ state: 'dead-letter', results: null, result: [], sinks: [] })
    expect(told.next).toContain('sluice dead-letters show price')
    expect(told.attempts).toHaveLength(3)
    const failed = await ask('failed=true')
    expect(failed.items.map(({ id }) => id).sort()).toEqual(['bad', 'slow'])
  })

  it('whose result a sink refused at first tells how often it was tried', async () => {
    const { told } = await finished('key=k4')
    expect(told.sinks).toMatchObject([{ sink: 'crm', outcome: 'delivered', attempts: 2 }])
  })

  it('that no trigger reads is found where the log has it', async () => {
    expect((await ask('id=silent')).items).toMatchObject([{ stream: 'silent', offset: 0, triggers: [] }])
    expect((await ask('key=k1')).items.map(({ id }) => id).sort()).toEqual(['good', 'silent'])
  })

  it('comes with its attributes and bytes where they are asked for', async () => {
    const [item] = (await ask('id=good&data=true')).items
    expect(item?.event).toMatchObject({ id: 'good', source: '/test', protocol: { kind: 'http', path: '/orders' } })
    expect(Buffer.from(item?.dataBase64 ?? '', 'base64').toString()).toBe('{"id":"good"}')
  })

  it('that is nowhere is not found, and the answer says where it was looked for', async () => {
    for (const query of ['id=none', 'trace=00000000000000000000000000000001', 'stream=orders&partition=0&offset=99']) {
      const answer = await fetch(`${gateway.url}/v1/recent-events?${query}`)
      expect(answer.status).toBe(404)
    }
  })
})

describe('the newest events', () => {
  it('come page by page, each once', async () => {
    await finished('key=k4')
    const ids: (string | null)[] = []
    let before = ''
    do {
      const { items, next } = await ask(`limit=2${before}`)
      ids.push(...items.map(({ id }) => id))
      before = next === null ? '' : `&before=${next}`
    } while (before !== '')
    expect(ids.sort()).toEqual(['bad', 'good', 'refused', 'slow'])
  })
})

describe('after a restart', () => {
  it('everything is known, and after a crash that the last moments may be missing', async () => {
    await finished('key=k4')
    await gateway.stop()
    await gateway.restart()
    expect((await finished(`trace=${traceId}`)).told.attempts).toHaveLength(3)
    expect((await ask('limit=10')).incomplete).toBeNull()
    await gateway.kill()
    await gateway.restart()
    expect((await finished('id=bad')).told.state).toBe('dead-letter')
    expect((await ask('limit=10')).incomplete).toMatchObject({ leftOut: 0, crashes: 1 })
  }, 90_000)
})
