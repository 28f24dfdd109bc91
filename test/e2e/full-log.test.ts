import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { connectAsync } from 'mqtt'
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

/** How long everything is refused. */
const refusedForMs = 15_000
const sampleMs = 100
const padding = 'x'.repeat(8 * 1024)
const mostResidentMiB = 400

async function residentMiB(): Promise<number> {
  const status = await readFile(`/proc/${gateway.process.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
}

describe.skipIf(process.platform !== 'linux')('a full log under full load', () => {
  it('refuses every request with 503 and Retry-After and withholds PUBACKs, in bounded memory, until there is room again', async () => {
    ;({ gateway, ledger } = await prepareWebhookGateway(file => ({
      streams: { hooks: { partitions: 4, maxBytes: 8 * 1024 * 1024, retentionMs: 60_000 } },
      functions: { record: ledgerFunction('record.mjs', file) },
      sources: {
        devices: {
          type: 'mqtt',
          topics: ['devices/+'],
          stream: 'hooks',
          mapping: { type: 'test.hook', partitionkey: { topicLevel: 1 } },
        },
      },
      triggers: { record: { stream: 'hooks', function: 'record' } },
    })))
    await gateway.start()
    await gateway.cli('pause', 'record', '--reason', 'fill the log')

    const sent = new SentLedger()
    const refusals = new Set<string>()
    let refused = 0
    const full = Promise.withResolvers<void>()
    const stopSending = new AbortController()
    const sending = sendWebhooks({
      url: gateway.url,
      path: '/hooks',
      connections: 64,
      keys: 256,
      events: Infinity,
      padding,
      retryMs: 1,
      ledger: sent,
      signal: stopSending.signal,
      onRefused: (status, retryAfter) => {
        refused++
        refusals.add(`${status} ${retryAfter !== undefined && Number(retryAfter) > 0}`)
        full.resolve()
      },
    })
    await full.promise
    const acceptedWhenFull = sent.acknowledged.size
    const refusal = await fetch(`${gateway.url}/hooks`, {
      method: 'POST',
      body: JSON.stringify({ id: 'one-more', key: 'k', seq: 0, padding }),
    })
    expect(await refusal.json()).toMatchObject({
      code: 'SLUICE_LOG_FULL',
      detail: expect.stringMatching(
        /^stream hooks is full: trigger record, paused since 20\S+Z, has \d\.\d MiB unprocessed$/,
      ) as string,
    })
    const device = await connectAsync(gateway.mqttUrl, { protocolVersion: 4, clean: false, clientId: 'd7' })
    sent.send('d7-0')
    const told = JSON.stringify({ id: 'd7-0', key: 'd7', seq: 0, padding })
    const published = device.publishAsync('devices/d7', told, { qos: 1 }).then(() => sent.acknowledge('d7-0'))
    const samples: number[] = []
    for (let at = 0; at < refusedForMs; at += sampleMs) {
      samples.push(await residentMiB())
      await delay(sampleMs)
    }
    expect([...refusals]).toEqual(['503 true'])
    expect(refused).toBeGreaterThan(1_000)
    expect(sent.unknown.size).toBe(0)
    expect(sent.acknowledged).not.toContain('d7-0')
    expect(Math.max(...samples)).toBeLessThan(mostResidentMiB)
    console.info(`full log: ${refused} refusals, at most ${Math.round(Math.max(...samples))} MiB resident`)

    // What lies there is processed, its room is used again, and more than ever fitted at once gets in.
    await gateway.cli('resume', 'record')
    await sent.waitForAcknowledged(acceptedWhenFull * 3)
    await published
    await device.endAsync(true)
    stopSending.abort()
    await sending
    await ledger.waitFor(sent.acknowledged.size)
    await gateway.stop()
    await ledger.read()
    expect(audit(ledger, sent)).toEqual({ ...clean, duplicates: 0 })
  }, 120_000)
})
