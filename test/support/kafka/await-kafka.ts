import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const POLL_INTERVAL_MS = 50
const ATTEMPT_TIMEOUT_MS = 2000

/**
 * Resolves when the broker on `port` answers a metadata request and knows at least `brokerCount` live brokers;
 * rejects after `timeoutMs` or as soon as `isAlive` says that waiting is in vain.
 *
 * Speaks the protocol itself: a client would back off for longer than the broker takes, and log the refusals before.
 */
export async function awaitKafka(
  port: number,
  brokerCount: number,
  timeoutMs: number,
  isAlive: () => boolean,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    if (!isAlive()) throw new Error('it ended while starting')
    if ((await countLiveBrokers(port)) >= brokerCount) return
    if (Date.now() > deadline) throw new Error(`it did not answer within ${timeoutMs} ms`)
    await delay(POLL_INTERVAL_MS)
  }
}

/** Live brokers of the cluster as the broker on `port` knows them; 0 if it does not answer. */
export function countLiveBrokers(port: number): Promise<number> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', timeout: ATTEMPT_TIMEOUT_MS })
    let received = Buffer.alloc(0)
    const finish = (count: number): void => {
      socket.destroy()
      resolve(count)
    }
    socket.on('connect', () => socket.write(metadataRequest()))
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      // Size, correlation id, throttle time, and then the array of live brokers begins with its length.
      if (received.length >= 16) finish(received.readInt32BE(12))
    })
    socket.on('timeout', () => finish(0))
    socket.on('error', () => finish(0))
    socket.on('end', () => finish(0))
  })
}

/** Metadata request, version 4 (Kafka protocol guide, "Metadata API"), that asks about no topic. */
function metadataRequest(): Buffer {
  const clientId = Buffer.from('sluice-harness')
  const header = Buffer.alloc(10)
  header.writeInt16BE(3, 0) // API key: Metadata
  header.writeInt16BE(4, 2) // version
  header.writeInt32BE(1, 4) // correlation id
  header.writeInt16BE(clientId.length, 8)
  const body = Buffer.from([0, 0, 0, 0, 0]) // no topics, and create none
  const size = Buffer.alloc(4)
  size.writeInt32BE(header.length + clientId.length + body.length)
  return Buffer.concat([size, header, clientId, body])
}
