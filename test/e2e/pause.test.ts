import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { GatewayProcess, TriggerState } from './gateway-process.ts'
import { audit, clean, SentLedger, type Ledger } from './ledger.ts'
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

describe('a pause by the command line, while events flow', () => {
  it('stops every invocation, lets events in, survives a SIGKILL, and ends with all events in order', async () => {
    const sent = new SentLedger()
    const stopSending = new AbortController()
    const { signal } = stopSending
    const run = { url: gateway.url, path: '/hooks', connections: 8, keys: 40, events: Infinity, signal }
    const sending = sendWebhooks({ ...run, ledger: sent })
    await ledger.waitFor(500)

    const printed = await gateway.cli('pause', 'record', '--reason', 'a test', '--by', 'somebody')
    expect(printed).toMatch(/^record is paused; \d+ events? to go$/)
    const atPause = (await ledger.read()).length
    await sent.waitForAcknowledged(sent.acknowledged.size + 500)
    expect((await ledger.read()).length).toBe(atPause)

    await gateway.kill()
    await gateway.restart()
    await sent.waitForAcknowledged(sent.acknowledged.size + 500)
    const { state, paused } = await gateway.trigger('record')
    expect({ state, paused }).toMatchObject({ state: 'paused', paused: { reason: 'a test', by: 'somebody' } })
    expect((await ledger.read()).length).toBe(atPause)
    expect((await gateway.readiness()).status).toBe(200)

    stopSending.abort()
    await sending
    const resumed = JSON.parse(await gateway.cli('resume', 'record', '--json')) as TriggerState
    expect(resumed).toMatchObject({ state: 'running', paused: null })
    await ledger.waitFor(sent.acknowledged.size)
    await gateway.stop()
    await ledger.read()
    const { duplicates: _, ...rest } = audit(ledger, sent)
    expect(rest).toEqual(clean)
  })

  it('is refused for a trigger that is not there, by name', async () => {
    const { exit, stderr } = await gateway.run('pause', 'recrod', '--reason', 'a test')
    expect(exit.code).toBe(1)
    expect(stderr).toContain('there is no trigger recrod')
  })
})
