import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

export const POM_PATH = join(import.meta.dirname, 'pom.xml')

/** The version of Apache Kafka the suites run on; the pom is its one place. */
export function kafkaVersion(): string {
  const version = /<kafka\.version>([^<]+)</.exec(readFileSync(POM_PATH, 'utf8'))?.[1]
  if (version === undefined) throw new Error(`${POM_PATH} names no <kafka.version>`)
  return version
}

/** Where the jars and what is derived from them are kept between runs; `SLUICE_KAFKA_HOME` moves it. */
export function kafkaHome(): string {
  return process.env['SLUICE_KAFKA_HOME'] || join(homedir(), '.cache', 'sluice', `kafka-${kafkaVersion()}`)
}

/** The jars; the directory appears only when it is complete. */
export function jarDirectory(): string {
  return join(kafkaHome(), 'libs')
}

/** Whether a broker can start without Maven and without a network. */
export function isKafkaResolved(): boolean {
  return existsSync(jarDirectory())
}
