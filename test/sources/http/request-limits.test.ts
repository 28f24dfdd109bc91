import { describe, expect, it } from 'vitest'
import { openSocket, startSource } from './source-fixture.ts'

const problemOf = async (answer: Response) => (await answer.json()) as { code: string; detail: string }

describe('the limits of an HTTP source', () => {
  it('refuse what comes faster than the rate with 429 and the time until the next one may come', async () => {
    await using fixture = await startSource({ limits: { ratePerSecond: 0.01, burst: 2 } })
    expect((await fixture.post('{}')).status).toBe(202)
    expect((await fixture.post('{}')).status).toBe(202)
    const refused = await fixture.post('{}')
    expect(refused.status).toBe(429)
    // A token takes a hundred seconds; up to half of it and a second are added by chance.
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(90)
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(151)
    const { code, detail } = await problemOf(refused)
    expect(code).toBe('SLUICE_HTTP_RATE_LIMITED')
    expect(detail).toContain('the source shop takes 0.01 events a second (limits.ratePerSecond)')
    expect(fixture.log.records).toHaveLength(2)
    expect(fixture.source.stats()).toMatchObject({ accepted: 2, refused: { rate: 1 } })
  })

  it('count the events of a batch, which is taken whole', async () => {
    await using fixture = await startSource({ limits: { ratePerSecond: 0.01, burst: 5 } })
    const batch = JSON.stringify(
      Array.from({ length: 8 }, (_, n) => ({ specversion: '1.0', id: `${n}`, source: '/s', type: 't' })),
    )
    const answer = await fixture.post(batch, { 'content-type': 'application/cloudevents-batch+json' })
    expect(answer.status).toBe(202)
    const refused = await fixture.post('{}')
    expect(refused.status).toBe(429)
    // Four tokens are missing: three of the debt and one of its own.
    expect(Number(refused.headers.get('retry-after'))).toBe(300)
    expect(fixture.log.records).toHaveLength(8)
  })

  it('refuse bodies beyond the bytes in progress with 429, and take them again afterwards', async () => {
    await using fixture = await startSource({ limits: { maxInFlightBytes: 1_500 } })
    fixture.log.holding = true
    const body = JSON.stringify('x'.repeat(1_000))
    const first = fixture.post(body)
    await expect.poll(() => fixture.log.held.length).toBe(1)
    const refused = await fixture.post(body)
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect((await problemOf(refused)).code).toBe('SLUICE_HTTP_INFLIGHT_LIMITED')
    fixture.log.held[0]!.complete()
    expect((await first).status).toBe(202)
    fixture.log.holding = false
    await expect.poll(() => fixture.source.gauge!.bytes).toBe(0)
    expect((await fixture.post(body)).status).toBe(202)
    expect(fixture.source.stats().refused).toEqual({ 'in-flight': 1 })
    await expect.poll(() => ({ ...fixture.listener.gauge })).toMatchObject({ requests: 0, bytes: 0 })
  })

  it('count bodies whose length is not told as they arrive, and forget those that break off', async () => {
    await using fixture = await startSource({ limits: { maxInFlightBytes: 1_500 } })
    const chunked = (bytes: number) =>
      `POST /hook HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n`
    const socket = openSocket(fixture.listener.port!)
    socket.write(chunked(1_000))
    await expect.poll(() => fixture.source.gauge!.bytes).toBe(1_000)
    expect(await fixture.raw(chunked(1_000))).toMatch(/^HTTP\/1.1 429 /)
    socket.destroy()
    await expect.poll(() => ({ ...fixture.source.gauge })).toMatchObject({ requests: 0, bytes: 0 })
    await expect.poll(() => ({ ...fixture.listener.gauge })).toMatchObject({ requests: 0, bytes: 0 })
  })
})
