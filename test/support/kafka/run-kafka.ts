import { type KafkaHarness, startKafka } from './kafka-broker.ts'
import { isKafkaResolved, kafkaVersion } from './kafka-home.ts'

const CLIENT_PORT = 9092
const DATA_DIRECTORY = '.kafka'
const WATCH_INTERVAL_MS = 1000

/** `npm run kafka`: the broker of the tests, for people. Data stays in `.kafka`; Ctrl-C stops it. */
export async function runKafka(): Promise<void> {
  if (!isKafkaResolved()) console.log(`Fetching Apache Kafka ${kafkaVersion()} with Maven; this happens once.`)
  console.log(`Starting Apache Kafka ${kafkaVersion()} on port ${CLIENT_PORT}, data in ${DATA_DIRECTORY}/ …`)
  const kafka = await startKafka({
    dir: DATA_DIRECTORY,
    ports: [CLIENT_PORT],
    fullSpeed: true,
    // kcat can not make topics, and people should not need another tool to try it.
    autoCreateTopics: true,
  })
  const { brokers } = kafka
  console.log(`
Kafka is ready (process ${kafka.pid(0)}). A topic is made when you first write to it; Ctrl-C stops Kafka.

  export KAFKA_BROKERS=${brokers}

To try it with kcat:

  kcat -b ${brokers} -L                                          # what is there
  echo 'customer-1|{"order":1}' | kcat -b ${brokers} -t orders -P -K '|'
  kcat -b ${brokers} -t orders -C -e -f '%k %s (partition %p, offset %o)\\n'
`)
  const reason = await endOf(kafka)
  console.log(`\n${reason}: stopping Kafka …`)
  await kafka.stop()
}

/** Ctrl-C, or the broker's own end, which must not pass unnoticed. */
function endOf(kafka: KafkaHarness): Promise<string> {
  return new Promise((resolve, reject) => {
    const watch = setInterval(() => {
      if (kafka.pid(0) === undefined)
        end(() => reject(new Error(`Kafka ended by itself; see ${DATA_DIRECTORY}/broker-1/server.log`)))
    }, WATCH_INTERVAL_MS)
    const end = (settle: () => void): void => {
      clearInterval(watch)
      settle()
    }
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end(() => resolve(signal)))
  })
}
