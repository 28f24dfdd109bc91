import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { rowOf, type BenchOptions, type BenchRow } from '../bench-row.ts'
import { startServer } from '../http/load-generator.ts'
import { createKafkajsClient } from '../../src/log/kafka/kafkajs/kafkajs-client.ts'
import { startKafka } from '../../test/support/kafka/kafka-broker.ts'
import { body } from '../http/ingest.bench.ts'
import { consumeRaw, produceRaw } from './raw-consume.ts'

const gatewayServer = fileURLToPath(new URL('../gateway/gateway-server.ts', import.meta.url))
const functionFile = fileURLToPath(new URL('../gateway/small-function.mjs', import.meta.url))
const partitions = 6

export interface KafkaBenchOptions extends BenchOptions {
  /** Default 400,000. */
  readonly records?: number
}

/** Records of a topic through a function, beside kafkajs that only counts them. */
export async function run(options: KafkaBenchOptions = {}): Promise<BenchRow[]> {
  const { repetitions = 3, records = 400_000 } = options
  const external = process.env['KAFKA_BROKERS']
  const kafka = external === undefined ? await startKafka() : undefined
  const brokers = (external ?? kafka?.brokers ?? '').split(',')
  try {
    const topic = `bench-${randomUUID()}`
    const client = createKafkajsClient({ brokers })
    await client.ensureTopic({ topic, partitions, replicationFactor: 1 })
    await client.close()
    await produceRaw({ brokers, topic, partitions, records, value: Buffer.from(body), requestRecords: 500 })
    const pairs: { ours: number; raw: number }[] = []
    const cpuUsPerRecord: number[] = []
    for (let repetition = 0; repetition < repetitions; repetition++) {
      const raw = await consumeRaw({ brokers, topic, records: Math.floor(records * 0.9) })
      const ours = await consumeThroughFunction(brokers, topic, records)
      pairs.push({ ours: ours.recordsPerSecond, raw: raw.recordsPerSecond })
      cpuUsPerRecord.push(Number(ours.cpuUsPerRecord.toFixed(2)))
    }
    return [
      rowOf('Kafka records through a function', 'records/s', pairs, {
        records,
        partitions,
        valueBytes: body.length,
        // Of all threads of the gateway; a busy machine changes it less than the rate.
        cpuUsPerRecord: Math.min(...cpuUsPerRecord),
      }),
    ]
  } finally {
    await kafka?.stop()
  }
}

/** Rate and CPU time from the first record that the trigger took in to the last one that is complete. */
async function consumeThroughFunction(
  brokers: readonly string[],
  topic: string,
  records: number,
): Promise<{ recordsPerSecond: number; cpuUsPerRecord: number }> {
  const settings = {
    kafka: { brokers },
    sources: { records: { type: 'kafka', topic, mapping: { type: 'com.example.record' } } },
    functions: { small: { file: functionFile, scaling: { minWorkers: 1, maxWorkers: 1 } } },
    // A group of its own each time: everything from the beginning.
    triggers: { [`t-${randomUUID().slice(0, 8)}`]: { stream: 'records', function: 'small', maxInFlight: 10_000 } },
  }
  await using server = await startServer(gatewayServer, [JSON.stringify(settings)])
  const url = `http://127.0.0.1:${server.port}/v1/functions`
  let startedAt = 0
  let before = 0
  for (;;) {
    const { items } = (await (await fetch(url)).json()) as { items: { succeeded: number; failed: number }[] }
    const { succeeded = 0, failed = 0 } = items[0] ?? {}
    if (failed > 0) throw new Error(`${failed} records failed: the function does not fit the load`)
    if (startedAt === 0 && succeeded > 0) {
      startedAt = performance.now()
      before = succeeded
      server.mark()
    }
    if (succeeded >= records) {
      const counted = succeeded - before
      const recordsPerSecond = (counted / (performance.now() - startedAt)) * 1000
      return { recordsPerSecond, cpuUsPerRecord: (await server.stop()).cpuUs / counted }
    }
    await wait(5)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(await run({ repetitions: Number(process.argv[2] ?? 3) }))
