import { request } from 'node:http'
import { runDirectory, sharedPartsSocket } from '../run-directory.ts'
import { startKafka } from './kafka-broker.ts'

export interface SharedKafka {
  /** `host:port,…`. */
  readonly brokers: string
}

let shared: Promise<SharedKafka> | undefined

/**
 * The one broker of the whole test run, started by the first who asks: `KAFKA_BROKERS` if set, else a broker that the
 * global setup starts and stops. It can not be killed or restarted (that is for `startKafka`), and everybody uses it, so
 * topics and groups need names of their own.
 */
export function sharedKafka(): Promise<SharedKafka> {
  shared ??= find()
  return shared
}

async function find(): Promise<SharedKafka> {
  const external = process.env['KAFKA_BROKERS']
  if (external) return { brokers: external }
  const directory = runDirectory()
  // Outside a test run (a benchmark, say) the broker lives as long as this process.
  if (directory === undefined) return startKafka()
  return { brokers: await askGlobalSetup(sharedPartsSocket(directory)) }
}

function askGlobalSetup(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path: '/kafka' }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', chunk => (text += String(chunk)))
      response.on('error', reject)
      response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(text))))
    })
    asking.on('error', reject)
    asking.end()
  })
}
