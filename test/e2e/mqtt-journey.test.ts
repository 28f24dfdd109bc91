import { afterEach, describe, expect, it } from 'vitest'
import { partitionFor } from '../../src/log/partitioner.ts'
import { startMosquitto, type MosquittoHarness } from '../support/mosquitto/mosquitto.ts'
import { describeWith } from '../support/real-parts.ts'
import { functionFile, prepareGateway, type GatewayProcess } from './gateway-process.ts'
import { audit, clean, duplicatesByPartition, Ledger, SentLedger } from './ledger.ts'
import { publishFromDevices } from './mqtt-devices.ts'

const partitions = 8
const maxInFlight = 100
const run = { devices: 50, perDevice: 400 }
const messages = run.devices * run.perDevice
const timeoutMs = 180_000

let gateway: GatewayProcess
let ledger: Ledger
let mosquitto: MosquittoHarness | undefined

async function start(broker?: Record<string, unknown>): Promise<void> {
  gateway = await prepareGateway({ config: {} })
  ledger = new Ledger(gateway.path('ledger'))
  await gateway.configure({
    streams: { telemetry: { partitions } },
    sources: {
      devices: {
        type: 'mqtt',
        topics: ['devices/+/telemetry'],
        stream: 'telemetry',
        mapping: { type: 'test.telemetry', partitionkey: { topicLevel: 1 } },
        ...(broker === undefined ? {} : { broker }),
      },
    },
    functions: { record: { file: functionFile('record.mjs'), environment: { LEDGER: ledger.file } } },
    triggers: { record: { stream: 'telemetry', function: 'record', maxInFlight } },
  })
  await gateway.start()
  await gateway.ready()
}

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
  await mosquitto?.stop()
  mosquitto = undefined
})

async function processesAllOnce(url: string, protocolVersion: 4 | 5): Promise<void> {
  const sent = new SentLedger()
  await publishFromDevices({ ...run, url, protocolVersion, ledger: sent })
  await ledger.waitFor(messages)
  await gateway.stop()
  await ledger.read()

  expect(sent.acknowledged.size).toBe(messages)
  expect(audit(ledger, sent)).toEqual({ ...clean, duplicates: 0 })
}

async function survivesKill(url: string, protocolVersion: 4 | 5): Promise<SentLedger> {
  const sent = new SentLedger()
  const publishing = publishFromDevices({ ...run, url, protocolVersion, ledger: sent })
  // Accepting is faster than processing: to wait for much of it would leave nothing on its way to be killed.
  await Promise.all([sent.waitForAcknowledged(messages / 4), ledger.waitFor(1)])
  await gateway.kill()
  await ledger.read()
  expect(ledger.counts.size).toBeLessThan(messages)
  await gateway.restart()
  await publishing
  await ledger.waitFor(messages)
  await gateway.until('settled', async () => {
    const { lag, inFlight } = await gateway.trigger('record')
    return lag === 0 && inFlight === 0
  })
  await gateway.stop()
  await ledger.read()

  const { duplicates: _, ...rest } = audit(ledger, sent)
  expect(rest).toEqual(clean)
  return sent
}

describe('20,000 QoS 1 messages from 50 devices on the embedded broker', () => {
  it(
    'are each processed once, in the order of their devices',
    async () => {
      await start()
      await processesAllOnce(gateway.mqttUrl, 4)
    },
    timeoutMs,
  )

  it(
    'survive a SIGKILL in the middle: devices send again what has no PUBACK, and nothing else is lost',
    async () => {
      await start()
      const sent = await survivesKill(gateway.mqttUrl, 4)

      expect(sent.unknown.size).toBeGreaterThan(0)
      // Beside the window, a device repeats what was durable when its PUBACK was lost.
      const repeated = (partition: number): number =>
        [...sent.unknown].filter(id => partitionOf(id.split('-')[0] ?? '') === partition).length
      for (const [partition, count] of duplicatesByPartition(ledger, ({ key }) => partitionOf(key)))
        expect(count, `duplicates of partition ${partition}`).toBeLessThanOrEqual(maxInFlight + repeated(partition))
    },
    timeoutMs,
  )
})

describeWith(['mosquitto'], '20,000 QoS 1 messages from 50 devices through Mosquitto', () => {
  it.each([
    { protocol: 'MQTT 3.1.1', protocolVersion: 4 },
    { protocol: 'MQTT 5', protocolVersion: 5 },
  ] as const)(
    'are each processed once, in the order of their devices, with $protocol',
    async ({ protocolVersion }) => {
      mosquitto = await startMosquitto({ maxInflight: 0, maxQueued: 0, tcpNoDelay: true })
      await start({ url: mosquitto.url, protocolVersion })
      await processesAllOnce(mosquitto.url, protocolVersion)
    },
    timeoutMs,
  )

  it(
    'survive a SIGKILL in the middle: Mosquitto keeps what the gateway has not acknowledged',
    async () => {
      mosquitto = await startMosquitto({ maxInflight: 0, maxQueued: 0, tcpNoDelay: true })
      await start({ url: mosquitto.url, protocolVersion: 5 })
      await survivesKill(mosquitto.url, 5)
    },
    timeoutMs,
  )
})

const partitionOf = (key: string): number => partitionFor(Buffer.from(key), partitions, () => 0)
