import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startApiServer, type ApiServer } from '../api-server.ts'

let server: ApiServer

beforeEach(async () => {
  server = await startApiServer()
})
afterEach(() => server.close())

const call: ApiServer['call'] = (...args) => server.call(...args)
const lastCall = () => server.control.calls.at(-1)
const path = '/v1/triggers/alerts/dead-letters'

describe('dead letters', () => {
  it('come in pages, and so do those of a source', async () => {
    const first = await call('GET', `${path}?limit=2`)
    expect(first.body).toMatchObject({ total: 3, next: 2, items: [{ id: 3 }, { id: 2 }] })
    const second = await call('GET', `${path}?limit=2&before=${String(first.body.next)}`)
    expect(second.body).toMatchObject({ next: null, items: [{ id: 1 }] })
    expect((await call('GET', '/v1/triggers/source:web/dead-letters')).status).toBe(200)
  })

  it('are filtered by everything that is known of them', async () => {
    const query =
      'from=2026-01-31T09:00:00Z&to=1800000000000&key=d1&eventId=e1&stage=sink&reason=timeout&function=alert&version=3&text=hot'
    await call('GET', `${path}?${query}`)
    const filter = {
      ...{ fromMs: Date.UTC(2026, 0, 31, 9), toMs: 1_800_000_000_000, key: 'd1', eventId: 'e1' },
      ...{ stage: 'sink', reason: 'timeout', function: 'alert', version: '3', text: 'hot' },
    }
    expect(lastCall()).toEqual(['deadLetters', 'alerts', filter])
  })

  it.each([
    ['stage=workers', 'stage must be one of source, handler, sink'],
    ['from=2026-02-30T09:00:00Z', 'query.from must be ms since the epoch, or a time'],
    ['version=newest', 'version must match'],
    ['colour=red', 'colour'],
  ])('refuse the filter %s and say why', async (query, detail) => {
    const answer = await call('GET', `${path}?${query}`)
    expect(answer.status).toBe(400)
    expect(JSON.stringify(answer.body)).toContain(detail)
  })

  it('are shown one by one', async () => {
    expect((await call('GET', `${path}/2`)).body).toMatchObject({ id: 2, event: { id: 'e2' } })
    expect((await call('GET', `${path}/9`)).status).toBe(404)
    expect((await call('GET', `${path}/x`)).status).toBe(400)
  })

  it('are exported as one JSON object per line', async () => {
    const response = await fetch(`${server.url}${path}/export?reason=error`)
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    const lines = (await response.text()).trimEnd().split('\n')
    expect(lines.map(line => (JSON.parse(line) as { id: number }).id)).toEqual([1, 2, 3])
    expect(lastCall()).toEqual(['exportDeadLetters', 'alerts', { reason: 'error' }])
  })

  it('are deleted one by one, unless they are being redriven', async () => {
    expect((await call('DELETE', `${path}/1`)).body).toEqual({ deleted: '1' })
    expect(await call('DELETE', `${path}/2`)).toMatchObject({ status: 409, body: { code: 'SLUICE_STORE_REDRIVING' } })
  })

  it('are deleted by a filter, or all, but never by accident', async () => {
    expect((await call('DELETE', `${path}?key=d1&dryRun=true`)).body).toEqual({ dryRun: true, matching: 3, deleted: 0 })
    expect(lastCall()).toEqual(['deleteDeadLetters', 'alerts', { key: 'd1' }, true])
    expect((await call('DELETE', `${path}?all=true`)).body).toMatchObject({ deleted: 2 })
    expect(lastCall()).toEqual(['deleteDeadLetters', 'alerts', {}, false])
    expect((await call('DELETE', path)).status).toBe(400)
    expect((await call('DELETE', `${path}?all=true&key=d1`)).status).toBe(400)
  })
})
