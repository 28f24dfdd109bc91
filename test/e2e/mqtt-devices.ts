import { connectAsync, type MqttClient } from 'mqtt'
import type { SendingLedger, TestEvent } from './ledger.ts'

export interface DeviceRun {
  readonly url: string
  readonly protocolVersion: 4 | 5
  readonly devices: number
  readonly perDevice: number
  readonly ledger: SendingLedger
}

/** Unacknowledged messages of one device. */
const inFlight = 20
const reconnectMs = 100

/**
 * Devices that publish at QoS 1 and keep what is not acknowledged: after a lost connection they send it again, in order,
 * before anything new. Resolves when all messages have their PUBACK.
 */
export async function publishFromDevices(run: DeviceRun): Promise<void> {
  await Promise.all(Array.from({ length: run.devices }, (_, index) => publishFromDevice(run, `d${index}`)))
}

async function publishFromDevice(run: DeviceRun, key: string): Promise<void> {
  const { url, protocolVersion, perDevice, ledger } = run
  const client = await connectAsync(url, {
    protocolVersion,
    clientId: `device-${key}`,
    clean: false,
    reconnectPeriod: reconnectMs,
    ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3600 } } : {}),
  })
  const open = new Set<string>()
  client.on('close', () => {
    for (const id of open) ledger.lose(id)
  })
  // A refused connection is followed by the next try.
  client.on('error', () => undefined)
  try {
    await inWindow(perDevice, inFlight, async seq => {
      const event: TestEvent = { id: `${key}-${seq}`, key, seq }
      await ledger.send(event.id, event)
      open.add(event.id)
      await publish(client, `devices/${key}/telemetry`, event)
      open.delete(event.id)
      ledger.acknowledge(event.id)
    })
  } finally {
    await client.endAsync(true)
  }
}

async function publish(client: MqttClient, topic: string, event: TestEvent): Promise<void> {
  await client.publishAsync(topic, JSON.stringify(event), { qos: 1 })
}

/** Runs `work` for 0 to `count` - 1, started in order, at most `size` at a time. */
async function inWindow(count: number, size: number, work: (index: number) => Promise<void>): Promise<void> {
  const running = new Set<Promise<void>>()
  for (let index = 0; index < count; index++) {
    if (running.size >= size) await Promise.race(running)
    const one: Promise<void> = work(index).finally(() => running.delete(one))
    running.add(one)
  }
  await Promise.all(running)
}
