import { connect } from 'node:net'

/**
 * A process that publishes QoS 1 as fast as a broker acknowledges, with nothing but a socket: the packets are encoded
 * before the clock starts, PUBACKs are counted, not parsed. Arguments: port, window, milliseconds, payload bytes,
 * connections. Prints { acked, elapsedMs } as JSON.
 */
const [port, windowSize, durationMs, payloadBytes, connections] = process.argv.slice(2).map(Number) as [
  number,
  number,
  number,
  number,
  number,
]

const devices = 50
const pubackBytes = 4
const warmUpMs = 500

function field(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
}

function connectPacket(clientId: string): Buffer {
  const body = Buffer.concat([field('MQTT'), Buffer.from([4, 2, 0, 60]), field(clientId)])
  return Buffer.concat([Buffer.from([0x10, body.length]), body])
}

/** Packets with the identifiers 1 to `count`, all of one size, so that any run of them is a slice. */
function publishPackets(count: number): { bytes: Buffer; packetBytes: number } {
  const packets: Buffer[] = []
  for (let id = 1; id <= count; id++) {
    const topic = field(`devices/d${String(id % devices).padStart(2, '0')}/telemetry`)
    const text = `{"temperature":21.5,"sequence":${String(id).padStart(5, '0')},"pad":"`
    const payload = Buffer.from(text.padEnd(payloadBytes - 2, 'x') + '"}')
    const length = topic.length + 2 + payload.length
    const header = [0x32, (length & 0x7f) | 0x80, length >> 7]
    packets.push(Buffer.from(header), topic, Buffer.from([id >> 8, id & 0xff]), payload)
  }
  const bytes = Buffer.concat(packets)
  return { bytes, packetBytes: bytes.length / count }
}

// A multiple of the window, so that an identifier is free again long before it is used.
const ring = windowSize * 8
const { bytes, packetBytes } = publishPackets(ring)

let acked = 0

function run(index: number): { stop(): void } {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let next = 0
  let partial = 0
  let ready = false
  const send = (count: number): void => {
    while (count > 0) {
      const run = Math.min(count, ring - next)
      socket.write(bytes.subarray(next * packetBytes, (next + run) * packetBytes))
      next = (next + run) % ring
      count -= run
    }
  }
  socket.on('connect', () => socket.write(connectPacket(`bench-${process.pid}-${index}`)))
  socket.on('data', chunk => {
    let length = chunk.length
    if (!ready) {
      ready = true
      length -= 4
      send(windowSize)
    }
    partial += length
    const count = Math.floor(partial / pubackBytes)
    partial -= count * pubackBytes
    acked += count
    send(count)
  })
  socket.on('error', error => {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  })
  return { stop: () => socket.destroy() }
}

const runs = Array.from({ length: connections }, (_, index) => run(index))
setTimeout(() => {
  const before = acked
  const start = performance.now()
  setTimeout(() => {
    const elapsedMs = performance.now() - start
    process.stdout.write(`${JSON.stringify({ acked: acked - before, elapsedMs })}\n`)
    for (const each of runs) each.stop()
  }, durationMs)
}, warmUpMs)
