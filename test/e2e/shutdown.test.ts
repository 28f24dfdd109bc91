import { afterEach, describe, expect, it } from 'vitest'
import { functionFile, type GatewayProcess } from './gateway-process.ts'
import { audit, clean, SentLedger, type Ledger } from './ledger.ts'
import { hooksSource, ledgerFunction, prepareWebhookGateway } from './webhook-gateway.ts'
import { sendWebhooks } from './webhook-sender.ts'

let gateway: GatewayProcess
let ledger: Ledger

async function start(functionName: 'record' | 'hold', drainMs = 10_000): Promise<void> {
  ;({ gateway, ledger } = await prepareWebhookGateway(file => ({
    shutdown: { drainMs },
    functions: { work: ledgerFunction(`${functionName}.mjs`, file, { timeoutMs: 600_000 }) },
    triggers: { work: { stream: 'hooks', function: 'work' } },
  })))
  await gateway.start()
}

/** An event is running and will not end by itself. */
async function startHolding(drainMs: number): Promise<void> {
  await start('hold', drainMs)
  expect((await gateway.post('/hooks', { id: 'e-0', key: 'e', seq: 0 })).status).toBe(202)
  await gateway.process.waitForLine(/holding e-0/)
}

/** The next process has a function that ends. */
async function recordsAfterRestart(): Promise<void> {
  await gateway.configure({
    sources: { hooks: hooksSource },
    functions: { work: { file: functionFile('record.mjs'), environment: { LEDGER: ledger.file } } },
    triggers: { work: { stream: 'hooks', function: 'work' } },
  })
  await gateway.restart()
  await ledger.waitFor(1)
  await gateway.stop()
  expect(ledger.entries).toEqual([{ id: 'e-0', key: 'e', seq: 0, attempt: 1 }])
}

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
})

describe('SIGTERM', () => {
  it('under load finishes what was accepted: exit 0, nothing lost, and no event runs twice after the next start', async () => {
    await start('record')
    const sent = new SentLedger()
    const stopSending = new AbortController()
    const { signal } = stopSending
    const run = { url: gateway.url, path: '/hooks', connections: 16, keys: 64, events: Infinity, signal }
    const sending = sendWebhooks({ ...run, ledger: sent })
    await ledger.waitFor(1_000)
    await gateway.stop()
    expect(gateway.process.lines.join('\n')).toContain('stopped; all accepted work is finished')
    stopSending.abort()
    await sending

    await gateway.restart()
    await ledger.waitFor(sent.acknowledged.size)
    await gateway.until('settled', async () => (await gateway.trigger('work')).lag === 0)
    await gateway.stop()
    await ledger.read()
    expect(audit(ledger, sent)).toEqual({ ...clean, duplicates: 0 })
  })

  it('ends at the limit with 1 when a handler does not end, and its event runs at the next start', async () => {
    await startHolding(300)
    expect(await gateway.process.stop(60_000)).toEqual({ code: 1, signal: null })
    expect(gateway.process.lines.join('\n')).toContain('stopped at the limit')
    await recordsAfterRestart()
  })

  it('ends at once with 1 when it comes again, and nothing is lost', async () => {
    await startHolding(600_000)
    gateway.process.signal('SIGTERM')
    await gateway.process.waitForLine(/finishing accepted work; a second signal ends it at once/)
    gateway.process.signal('SIGTERM')
    expect(await gateway.process.exited).toEqual({ code: 1, signal: null })
    await recordsAfterRestart()
  })
})
