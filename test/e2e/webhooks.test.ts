import { afterEach, describe, expect, it } from 'vitest'
import { partitionFor } from '../../src/log/partitioner.ts'
import { functionFile, prepareGateway, type GatewayProcess } from './gateway-process.ts'
import { audit, clean, duplicatesByPartition, Ledger, SentLedger } from './ledger.ts'
import { sendWebhooks } from './webhook-sender.ts'

const partitions = 8
const maxInFlight = 100
/** For busy machines; nothing here waits without need. */
const timeoutMs = 180_000
const run = { path: '/hooks', connections: 64, keys: 200, events: 20_000 } as const

let gateway: GatewayProcess
let ledger: Ledger

/** Webhooks that are told apart by their id, through a function that writes them down. */
async function start(): Promise<void> {
  gateway = await prepareGateway({ config: {} })
  ledger = new Ledger(gateway.path('ledger'))
  await gateway.configure({
    streams: { hooks: { partitions } },
    sources: {
      hooks: {
        type: 'http',
        path: '/hooks',
        deduplicate: { pointer: '/id' },
        mapping: { type: 'test.hook', partitionkey: { pointer: '/key' } },
      },
    },
    functions: { record: { file: functionFile('record.mjs'), environment: { LEDGER: ledger.file } } },
    triggers: { record: { stream: 'hooks', function: 'record', maxInFlight } },
  })
  await gateway.start()
}

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
})

describe('20,000 webhooks on 64 connections', () => {
  it(
    'are each processed once, in the order of their keys',
    async () => {
      await start()
      const sent = new SentLedger()
      await sendWebhooks({ ...run, url: gateway.url, ledger: sent })
      await ledger.waitFor(run.events)
      await gateway.stop()
      await ledger.read()

      expect(sent.acknowledged.size).toBe(run.events)
      expect(sent.unknown.size).toBe(0)
      expect(audit(ledger, sent)).toEqual({ ...clean, duplicates: 0 })
    },
    timeoutMs,
  )

  it(
    'survive a SIGKILL in the middle: none that was acknowledged is lost, and what repeats was in flight',
    async () => {
      await start()
      const sent = new SentLedger()
      const sending = sendWebhooks({ ...run, url: gateway.url, ledger: sent })
      await Promise.all([sent.waitForAcknowledged(run.events / 3), ledger.waitFor(run.events / 4)])
      await gateway.kill()
      await ledger.read()
      const processedBefore = ledger.counts.size
      await gateway.restart()
      await sending
      await ledger.waitFor(run.events)
      // What was processed and committed before is not touched again: the rest is all that the second process ran.
      const { succeeded } = await gateway.until('settled', async () => {
        const trigger = await gateway.trigger('record')
        return trigger.lag === 0 && trigger.inFlight === 0 && trigger
      })
      await gateway.stop()
      await ledger.read()

      expect(processedBefore).toBeLessThan(run.events)
      expect(sent.unknown.size).toBeGreaterThan(0)
      const { duplicates, ...rest } = audit(ledger, sent)
      expect(rest).toEqual(clean)
      expect(succeeded).toBe(run.events - processedBefore + duplicates)
      for (const [partition, count] of duplicatesByPartition(ledger, ({ key }) => partitionOf(key)))
        expect(count, `duplicates of partition ${partition}`).toBeLessThanOrEqual(maxInFlight)
    },
    timeoutMs,
  )
})

const partitionOf = (key: string): number => partitionFor(Buffer.from(key), partitions, () => 0)
