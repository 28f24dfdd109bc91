import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Aedes } from 'aedes'
import { Value } from 'typebox/value'
import { median, type BenchOptions, type BenchRow } from '../bench-row.ts'
import { mqttBrokerSchema, type MqttBrokerConfig } from '../../src/config/sections/mqtt-broker.ts'
import { compileMapping } from '../../src/events/mapping.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { createBrokerSource } from '../../src/sources/mqtt/broker-source.ts'
import { EmbeddedBroker } from '../../src/sources/mqtt/broker.ts'
import { createPublicationDecoder } from '../../src/sources/mqtt/decode-publication.ts'
import { createStreamIntake } from '../../src/sources/stream-intake.ts'

const windowSize = 500
const payloadBytes = 199

/** QoS 1 on the embedded broker with a durable append before PUBACK, beside bare aedes that counts in the same hook. */
export async function run(options: BenchOptions = {}): Promise<BenchRow[]> {
  const { repetitions = 5, durationMs = 2_000 } = options
  const rows: BenchRow[] = []
  for (const connections of [1, 10]) {
    const ours: number[] = []
    const raw: number[] = []
    for (let repetition = 0; repetition < repetitions; repetition++) {
      raw.push(await measureBareAedes(durationMs, connections))
      ours.push(await measureSluice(durationMs, connections))
    }
    rows.push({
      name: `mqtt: QoS 1 acknowledged after durable append, ${connections} connection${connections === 1 ? '' : 's'}`,
      ours: Math.round(median(ours)),
      raw: Math.round(median(raw)),
      ratio: median(ours.map((rate, index) => rate / (raw[index] as number))),
      unit: 'publications/s',
      details: {
        raw: 'bare aedes counting in authorizePublish',
        windowSize,
        payloadBytes,
        oursSamples: ours.map(Math.round).join(' '),
        rawSamples: raw.map(Math.round).join(' '),
      },
    })
  }
  return rows
}

async function measureBareAedes(durationMs: number, connections: number): Promise<number> {
  let counted = 0
  const aedes = await Aedes.createBroker({
    authorizePublish: (_client, _packet, callback) => {
      counted += 1
      callback(null)
    },
  })
  const server = createServer(aedes.handle)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const rate = await publish((server.address() as AddressInfo).port, durationMs, connections)
  server.close()
  await new Promise<void>(resolve => aedes.close(resolve))
  if (counted === 0) throw new Error('nothing was published')
  return rate
}

async function measureSluice(durationMs: number, connections: number): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-mqtt-'))
  const log = await openEmbeddedLog({
    directory: join(directory, 'telemetry'),
    stream: 'telemetry',
    partitionCount: 16,
    retentionBytes: 512 * 1024 * 1024,
  })
  const config = Value.Default(mqttBrokerSchema, { port: 0 }) as MqttBrokerConfig
  const broker = new EmbeddedBroker({ config, dataDir: directory })
  const mapping = compileMapping(
    { type: 'com.example.telemetry', subject: { topicLevel: 1 }, partitionkey: { topicLevel: 1 } },
    'mqtt',
  )
  const source = createBrokerSource({
    source: 'devices',
    broker,
    topics: ['devices/+/telemetry'],
    forward: false,
    intake: createStreamIntake({ log }),
    decode: createPublicationDecoder(mapping, { source: '/devices', type: 'com.example.telemetry' }),
    invalid: 'dead-letter',
    deadLetter: () => Promise.reject(new Error('a valid publication became a dead letter')),
    maxHeldBytes: 64 * 1024 * 1024,
  })
  try {
    await source.start()
    await broker.start()
    const rate = await publish(broker.port, durationMs, connections)
    const ends = await log.ends()
    const appended = ends.reduce((sum, { end }) => sum + end, 0)
    if (appended < (rate * durationMs) / 1000) throw new Error(`${rate}/s were acknowledged, but ${appended} appended`)
    return rate
  } finally {
    await source.stop()
    await broker.stop()
    await log.close()
    await rm(directory, { recursive: true, force: true })
  }
}

async function publish(port: number, durationMs: number, connections: number): Promise<number> {
  const script = fileURLToPath(new URL('raw-publisher.ts', import.meta.url))
  const window = Math.max(1, Math.floor(windowSize / connections))
  const args = [port, window, durationMs, payloadBytes, connections].map(String)
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`the publisher ended with ${code}`)
  const { acked, elapsedMs } = JSON.parse(output) as { acked: number; elapsedMs: number }
  return (acked / elapsedMs) * 1000
}

if (import.meta.main) {
  for (const row of await run({ repetitions: 3, durationMs: 1_500 })) {
    console.log(`${row.name}: ${row.ours} ${row.unit}, raw ${row.raw}, ratio ${row.ratio.toFixed(2)}`)
  }
}
