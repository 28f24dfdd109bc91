import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AliasView, ShadowReport } from '../../src/api/views/alias-view.ts'
import type { TriggerView } from '../../src/api/views/trigger-view.ts'
import type { GatewayProcess } from './gateway-process.ts'
import { SentLedger, type Ledger } from './ledger.ts'
import { requestJson } from './request-json.ts'
import { prepareWebhookGateway } from './webhook-gateway.ts'
import { sendWebhooks } from './webhook-sender.ts'

let gateway: GatewayProcess
let ledger: Ledger

beforeEach(async () => {
  ;({ gateway, ledger } = await prepareWebhookGateway(() => ({})))
  await gateway.start()
})

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
})

async function done<View>(method: string, path: string, body?: unknown): Promise<View> {
  const answer = await requestJson<View>(gateway.url, method, path, body)
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  return answer.body
}

/** Publishes a version that writes `<id> <key> <seq> <attempt> <version>`, and fails where `fails` says so. */
async function publish(fails: string, returns = 'undefined'): Promise<void> {
  const module = `import { openSync, writeSync } from 'node:fs'
    let ledger
    export const init = ({ env }) => { ledger = openSync(env.LEDGER, 'a') }
    export default (event, context) => {
      const { id, key, seq } = event.data
      if (${fails}) throw new Error('this version is bad')
      writeSync(ledger, [id, key, seq, context.attempt, context.version].join(' ') + '\\n')
      return ${returns}
    }`
  const retry = { maxAttempts: 1_000, initialDelayMs: 20, maxDelayMs: 20, jitter: 0 }
  const definition = { environment: { LEDGER: ledger.file }, retry }
  await done('PUT', '/v1/functions/record', { definition, code: { module }, publish: {} })
}

const alias = () => done<AliasView>('GET', '/v1/functions/record/aliases/live')

async function serve(weights: AliasView['weights']): Promise<void> {
  await done('PUT', '/v1/functions/record/aliases/live', { weights })
  await done<TriggerView>('PUT', '/v1/triggers/records', { stream: 'hooks', function: 'record@live' })
}

/** Sends until the returned function is called, which resolves with what was acknowledged. */
function sendOn(): () => Promise<SentLedger> {
  const sent = new SentLedger()
  const stop = new AbortController()
  const run = { url: gateway.url, path: '/hooks', connections: 8, keys: 200, events: Infinity, signal: stop.signal }
  const sending = sendWebhooks({ ...run, ledger: sent })
  return async () => {
    stop.abort()
    await sending
    return sent
  }
}

describe('a rollout', () => {
  it('moves the alias in steps while events flow, and completes', async () => {
    await publish('false')
    await serve([{ version: 1, weight: 100 }])
    await publish('seq < 0')
    const stop = sendOn()
    const started = await done<AliasView>('POST', '/v1/functions/record/aliases/live/rollout', {
      to: 2,
      steps: [20, 100],
      stepMs: 500,
      bounds: { maxErrorRate: 0.1, minInvocations: 5 },
    })
    expect(started).toMatchObject({
      weights: [
        { version: 1, weight: 80 },
        { version: 2, weight: 20 },
      ],
      rollout: { state: 'running', step: 0 },
    })
    const again = await requestJson(gateway.url, 'POST', '/v1/functions/record/aliases/live/rollout', { to: 2 })
    expect(again).toMatchObject({ status: 409, body: { code: 'SLUICE_REGISTRY_ROLLOUT' } })
    await gateway.until('the rollout is complete', async () => (await alias()).rollout?.state === 'completed')
    const sent = await stop()
    expect(await alias()).toMatchObject({ weights: [{ version: 2, weight: 100 }] })
    await ledger.waitFor(sent.acknowledged.size)
    expect(ledger.entries.length).toBe(sent.acknowledged.size)
  })

  it('goes back by itself when the new version fails, and every event succeeds with the old one', async () => {
    await publish('false')
    await serve([{ version: 1, weight: 100 }])
    await publish('true')
    const stop = sendOn()
    await done('POST', '/v1/functions/record/aliases/live/rollout', {
      to: 2,
      steps: [25, 100],
      stepMs: 60_000,
      bounds: { maxErrorRate: 0.05, minInvocations: 10 },
    })
    const back = await gateway.until('the rollout went back', async () => {
      const now = await alias()
      return now.rollout?.state === 'rolled-back' && now
    })
    expect(back).toMatchObject({
      weights: [{ version: 1, weight: 100 }],
      rollout: { reason: expect.any(String) as string },
    })
    const sent = await stop()
    await ledger.waitFor(sent.acknowledged.size)
    expect((await gateway.deadLetters('records')).length).toBe(0)
    const lifecycle = await done<{ items: { message: string }[] }>('GET', '/v1/functions/record/logs?text=rolled-back')
    expect(lifecycle.items[0]?.message).toContain('alias live → 1 (100 %)')
  })
})

describe('a shadow version', () => {
  it('gets copies, changes nothing, and is compared', async () => {
    const results = (text: string) => `({ type: 'done', data: ${text} })`
    await publish('false', results('{ seq: seq - seq % 2 }'))
    await serve([{ version: 1, weight: 100 }])
    // The copy writes nothing to the ledger of the real one.
    const shadow = `export default event => (${results('{ seq: event.data.seq }').replace('seq: event.data.seq', 'seq: event.data.seq')})`
    const definition = { environment: {} }
    await done('PUT', '/v1/functions/record', { definition, code: { module: shadow }, publish: {} })
    await done('PUT', '/v1/functions/record/aliases/live', {
      weights: [{ version: 1, weight: 100 }],
      shadow: { version: 2, percent: 100 },
    })
    const sent = new SentLedger()
    await sendWebhooks({ url: gateway.url, path: '/hooks', connections: 1, keys: 1, events: 40, ledger: sent })
    await ledger.waitFor(40)
    const report = await gateway.until('all copies ran', async () => {
      const now = await done<ShadowReport>('GET', '/v1/functions/record/aliases/live/shadow')
      return now.compared + now.dropped >= 40 && now
    })
    // Even sequence numbers agree, odd ones do not.
    expect(report).toMatchObject({ version: 2, failedOnlyInShadow: 0, failedOnlyInReal: 0 })
    expect(report.same + report.different).toBe(report.compared)
    expect(report.different).toBeGreaterThan(0)
    expect(report.examples[0]).toMatchObject({ key: 'k0', difference: expect.any(String) as string })
    expect((await ledger.read()).length).toBe(40)
  })
})
