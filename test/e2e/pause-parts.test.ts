import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PauseEntry } from '../../src/api/views/pause-view.ts'
import type { GatewayProcess } from './gateway-process.ts'
import { audit, clean, SentLedger, type Ledger } from './ledger.ts'
import { requestJson } from './request-json.ts'
import { ledgerFunction, prepareWebhookGateway } from './webhook-gateway.ts'
import { sendWebhooks } from './webhook-sender.ts'

let gateway: GatewayProcess
let ledger: Ledger

beforeEach(async () => {
  ;({ gateway, ledger } = await prepareWebhookGateway(file => ({
    functions: { record: ledgerFunction('record.mjs', file) },
    triggers: { record: { stream: 'hooks', function: 'record', maxInFlight: 100 } },
  })))
  await gateway.start()
})

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
})

const countOf = (key: string): number => ledger.entries.filter(entry => entry.key === key).length

describe('a paused key, while events flow', () => {
  it('runs nothing, lets the others pass, survives a SIGKILL, and ends with all events in order', async () => {
    const sent = new SentLedger()
    const stopSending = new AbortController()
    const { signal } = stopSending
    const sending = sendWebhooks({
      ...{ url: gateway.url, path: '/hooks', connections: 4, keys: 8, events: Infinity, signal },
      ledger: sent,
    })
    await ledger.waitFor(200)

    const printed = await gateway.cli('pause', 'key', 'record', 'k3', '--reason', 'garbage', '--by', 'somebody')
    expect(printed).toBe('key k3 of record is paused')
    await ledger.read()
    const [ran, total] = [countOf('k3'), ledger.entries.length]
    await ledger.waitFor(total + 200)
    expect(countOf('k3')).toBe(ran)

    await gateway.kill()
    await gateway.restart()
    await ledger.waitFor(ledger.counts.size + 200)
    expect(countOf('k3')).toBe(ran)
    const pauses = JSON.parse(await gateway.cli('pauses', '--json')) as PauseEntry[]
    expect(pauses).toMatchObject([
      { kind: 'key', trigger: 'record', key: 'k3', state: 'paused', reason: 'garbage', by: 'somebody' },
    ])
    // It waits aside: the rest of its partition is committed past it.
    expect((await gateway.trigger('record')).parkedEvents).toBeGreaterThan(0)

    expect(await gateway.cli('resume', 'key', 'record', 'k3')).toBe('key k3 of record is resumed')
    stopSending.abort()
    await sending
    await ledger.waitFor(sent.acknowledged.size)
    await gateway.stop()
    await ledger.read()
    const { duplicates: _, ...rest } = audit(ledger, sent)
    expect(rest).toEqual(clean)
  })
})

describe('a paused version', () => {
  it('is forgotten with its function: another one of the name begins unpaused, also after a restart', async () => {
    const call = (method: string, path: string, body?: unknown) => requestJson(gateway.url, method, path, body)
    const definition = { code: { module: 'export default () => ({ done: true })' }, definition: {} }
    expect((await call('PUT', '/v1/functions/gone', definition)).status).toBe(201)
    await gateway.cli('pause', 'version', 'gone', '--reason', 'a test')
    expect((await call('POST', '/v1/functions/gone/invocations', { data: 1 })).status).toBe(409)
    expect((await call('DELETE', '/v1/functions/gone')).status).toBe(200)
    await gateway.until(
      'the pause gone',
      async () => (await gateway.get<{ items: unknown[] }>('/v1/pauses')).items.length === 0,
    )
    await gateway.kill()
    await gateway.restart()
    expect((await call('PUT', '/v1/functions/gone', definition)).status).toBe(201)
    expect((await call('POST', '/v1/functions/gone/invocations', { data: 1 })).status).toBe(200)
  })

  it('starts nothing of its triggers, answers direct invocations with 409, and survives a restart', async () => {
    expect(await gateway.cli('pause', 'version', 'record', '--reason', 'a test')).toBe(
      'version record@latest is paused',
    )
    await gateway.post('/hooks', { id: 'a', key: 'k', seq: 0 })
    const refused = await gateway.post('/v1/functions/record/invocations', { id: 'b', key: 'k', seq: 0 })
    expect(refused.status).toBe(409)
    expect(refused.body).toContain('SLUICE_FUNCTIONS_PAUSED')
    await gateway.stop()
    await gateway.restart()
    // Triggers hold what chooses it; the lag tells of it.
    await gateway.until('lag', async () => (await gateway.trigger('record')).inFlight === 1)
    expect((await ledger.read()).length).toBe(0)
    expect(await gateway.cli('resume', 'version', 'record')).toBe('version record@latest is resumed')
    await ledger.waitFor(1)
  })
})

describe('pauses by the API', () => {
  it('end by themselves when they say so, and a function stands for its triggers', async () => {
    const input = { target: { kind: 'function', function: 'record' }, reason: 'a test', expiresAfterMs: 1_000 }
    const { status, body } = await requestJson<{ items: PauseEntry[] }>(gateway.url, 'POST', '/v1/pauses', input)
    expect(status).toBe(200)
    expect(body.items).toMatchObject([{ kind: 'trigger', trigger: 'record', state: 'paused' }])
    expect((await gateway.trigger('record')).state).toBe('paused')
    await gateway.until('running', async () => (await gateway.trigger('record')).state === 'running')
  })

  it('refuse what is not there, and what is over', async () => {
    const answerTo = async (target: object, more: object = {}) => {
      const input = { target, reason: 'a test', ...more }
      const { status, body } = await requestJson<{ detail: string }>(gateway.url, 'POST', '/v1/pauses', input)
      return `${status} ${body.detail}`
    }
    expect(await answerTo({ kind: 'trigger', trigger: 'nope' })).toContain('404 there is no trigger nope')
    expect(await answerTo({ kind: 'partition', trigger: 'record', partition: 99 })).toMatch(/404 .* no partition 99/)
    expect(await answerTo({ kind: 'version', function: 'record', version: '3' })).toContain(
      '404 function record has no',
    )
    expect(await answerTo({ kind: 'alias', function: 'record', alias: 'live' })).toContain('404 function record has no')
    expect(await answerTo({ kind: 'trigger', trigger: 'record' }, { expiresAtMs: 5 })).toMatch(
      /^400 expiresAtMs is over/,
    )
    expect((await requestJson(gateway.url, 'DELETE', '/v1/pauses/0123456789abcdef')).status).toBe(404)
  })
})
