import { afterEach, describe, expect, it } from 'vitest'
import type { GatewayProcess } from './gateway-process.ts'
import { audit, clean, SentLedger, type Ledger } from './ledger.ts'
import { ledgerFunction, prepareWebhookGateway } from './webhook-gateway.ts'
import { sendWebhooks } from './webhook-sender.ts'

let gateway: GatewayProcess
let ledger: Ledger

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
})

const workers = async (): Promise<number> =>
  (await gateway.get<{ items: { running: { workers: number }[] }[] }>('/v1/functions')).items[0]?.running[0]?.workers ??
  -1

describe('the workers of a function', () => {
  it('grow with the load, go when there is nothing to do, and come back for the next event', async () => {
    ;({ gateway, ledger } = await prepareWebhookGateway(file => ({
      functions: {
        record: ledgerFunction('record.mjs', file, {
          // Waits instead of computing, one event at a time: more workers do help, whatever the cores.
          concurrency: 1,
          environment: { DELAY_MS: '20' },
          scaling: { maxWorkers: 4, targetDrainMs: 500, scaleToZeroAfterMs: 100 },
        }),
      },
      triggers: { record: { stream: 'hooks', function: 'record' } },
    })))
    await gateway.start()
    expect(await workers()).toBe(0)

    const sent = new SentLedger()
    const run = { url: gateway.url, path: '/hooks', connections: 16, keys: 100, events: 300 }
    await sendWebhooks({ ...run, ledger: sent })
    await ledger.waitFor(300)
    await gateway.until('no worker is left', async () => (await workers()) === 0)

    const table = await gateway.cli('scaling')
    expect(table).toMatch(/ record@latest +0→1 +the first event waits$/m)
    expect(table).toMatch(/ record@latest +\d→4 +.* waiting .* per worker, target 0\.5 s/m)
    expect(table).toMatch(/ record@latest +\d→0 +nothing to do for [\d.]+ s$/m)

    const late = { id: 'late-0', key: 'late', seq: 0 }
    sent.send(late.id)
    expect((await gateway.post('/hooks', late)).status).toBe(202)
    sent.acknowledge(late.id)
    await ledger.waitFor(301)
    await gateway.stop()
    await ledger.read()
    expect(audit(ledger, sent)).toEqual({ ...clean, duplicates: 0 })
  }, 120_000)
})
