import { connect } from 'mqtt'
import type { KindLedger } from '../ledger.ts'
import { keyCounts } from '../workload.ts'
import { untilDue, type Pace } from './pace.ts'

export interface MqttSending {
  /** `mqtt://host:port`. */
  readonly url: string
  readonly ledger: KindLedger
  readonly pace: Pace
  readonly signal: AbortSignal
}

const reconnectMs = 200

/**
 * Fifty devices with a connection each. QoS 1: what is not acknowledged when a connection breaks is sent again after the
 * next one is made, with DUP, so that it may arrive twice. Resolves when all readings are accepted.
 */
export async function sendReadings(sending: MqttSending): Promise<void> {
  await Promise.all(Array.from({ length: keyCounts.telemetry }, (_, device) => runDevice(device, sending)))
}

async function runDevice(device: number, { url, ledger, pace, signal }: MqttSending): Promise<void> {
  const client = connect(url, {
    clientId: `demo-device-${device}`,
    protocolVersion: 4,
    clean: false,
    reconnectPeriod: reconnectMs,
  })
  // A gateway that is away for a moment is nothing to stop for: the client tries again.
  client.on('error', () => undefined)
  const stop = () => client.end(true)
  signal.addEventListener('abort', stop, { once: true })
  try {
    for (let index = device; index < ledger.events.length; index += keyCounts.telemetry) {
      const event = ledger.events[index]
      if (event === undefined) break
      await untilDue(pace, index, signal)
      ledger.sent(event.id)
      await client.publishAsync(`devices/${event.key}/telemetry`, event.body, { qos: 1 })
      signal.throwIfAborted()
      ledger.accepted(event.id)
    }
    await client.endAsync()
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}
