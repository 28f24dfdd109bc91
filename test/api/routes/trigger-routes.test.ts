import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startApiServer, type ApiServer } from '../api-server.ts'

let server: ApiServer

beforeEach(async () => {
  server = await startApiServer()
})
afterEach(() => server.close())

const call: ApiServer['call'] = (...args) => server.call(...args)
const lastCall = () => server.control.calls.at(-1)

describe('a trigger', () => {
  it('is put with its defaults, apart from how long it lives', async () => {
    const body = { stream: 'orders', function: 'price@live', start: { offset: 5 }, expiresAfterMs: 5_000 }
    const answer = await call('PUT', '/v1/triggers/fresh', body)
    expect([answer.status, answer.headers.get('etag')]).toEqual([201, '"9"'])
    const definition = {
      stream: 'orders',
      function: 'price@live',
      start: { offset: 5 },
      enabled: true,
      ordering: 'key',
      sinks: [],
      maxInFlight: 2_000,
    }
    expect(lastCall()).toEqual(['putTrigger', 'fresh', { definition, expiresAfterMs: 5_000 }, {}])
  })

  it.each([
    [{ start: 'first' }, 'start must be one of earliest, latest, or a map with one of timestampMs, offset'],
    [{ start: { offset: -1 } }, 'start.offset must be an integer of at least 0, not -1'],
    [{ start: { ofset: 1 } }, 'start must be one of earliest, latest, or a map with one of timestampMs, offset'],
    [{ ordering: 'none!' }, 'ordering must be one of key, partition, none'],
    [{ function: 'price@' }, 'function must match'],
    [{ sinks: ['a', 5] }, 'sinks[1] must be a text'],
    [{ filter: { data: { '/t': { gt: 'x' } } } }, 'filter.data."/t".gt must be a number'],
    [{ filter: { data: { '/t': [{ gt: 'x' }] } } }, 'filter.data."/t"[0].gt must be a number'],
    [{ filter: { type: { exakt: 'x' } } }, 'filter.type must be'],
    [{ filter: { all: [] } }, 'filter.all must not be empty'],
  ])('says what is wrong with %j', async (fields, detail) => {
    const answer = await call('PUT', '/v1/triggers/fresh', { stream: 'orders', function: 'price', ...fields })
    expect(answer.status).toBe(400)
    expect(answer.body.problems).toEqual([expect.stringContaining(detail)])
  })

  it('is listed by function', async () => {
    await call('GET', '/v1/triggers?function=price&limit=2')
    expect(lastCall()).toEqual(['triggers', { function: 'price', limit: 2 }])
  })

  it('is paused with reason and name, and resumed', async () => {
    const paused = await call('POST', '/v1/triggers/alerts/pause', { reason: 'firmware', by: 'ada' })
    expect(paused.body).toMatchObject({ state: 'paused', paused: { reason: 'firmware', by: 'ada' } })
    expect((await call('GET', '/v1/triggers/alerts')).body.state).toBe('paused')
    const resumed = await call('POST', '/v1/triggers/alerts/resume')
    expect(resumed.body).toMatchObject({ state: 'running', paused: null })
    expect((await call('POST', '/v1/triggers/alerts/pause', {})).body.detail).toBe('reason is missing')
  })

  it('drops what it has parked, of a key or of all, by whoever says so', async () => {
    const answer = await call('POST', '/v1/triggers/alerts/drop-parked', { key: 'device-7', by: 'ada', dryRun: true })
    expect([answer.status, answer.body]).toEqual([200, { dryRun: true, parked: 3, dropped: 0 }])
    expect(lastCall()).toEqual(['dropParked', 'alerts', { key: 'device-7', by: 'ada', dryRun: true }])
    await call('POST', '/v1/triggers/alerts/drop-parked', {})
    expect(lastCall()).toEqual(['dropParked', 'alerts', { by: 'api', dryRun: false }])
    expect((await call('POST', '/v1/triggers/alerts/drop-parked', { key: '' })).status).toBe(400)
  })

  it('is deleted', async () => {
    const headers = { 'if-match': '"9"' }
    expect((await call('DELETE', '/v1/triggers/alerts', undefined, headers)).body).toEqual({ deleted: 'alerts' })
    expect(lastCall()).toEqual(['deleteTrigger', 'alerts', { revision: 9 }])
  })

  it('is no source', async () => {
    expect((await call('GET', '/v1/triggers/source:web')).status).toBe(400)
  })
})

describe('a lease', () => {
  it('is renewed for a function, a trigger or both', async () => {
    await call('POST', '/v1/leases', { function: 'price-dev', expiresAfterMs: 1_000 })
    expect(lastCall()).toEqual(['renew', { function: 'price-dev', expiresAfterMs: 1_000 }])
    const nobody = await call('POST', '/v1/leases', { expiresAfterMs: 1_000 })
    expect([nobody.status, nobody.body.detail]).toEqual([400, 'body must have function, trigger, or both'])
  })
})
