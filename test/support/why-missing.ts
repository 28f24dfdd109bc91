import { execFileSync } from 'node:child_process'
import { findChromium, findJava, findProgram } from './find-program.ts'
import { isKafkaResolved } from './kafka/kafka-home.ts'

/** A program outside npm that a test talks to in earnest. */
export type RealPart = 'kafka' | 'mosquitto' | 'kcat' | 'chromium' | 'strace' | 'wrk' | 'java' | 'mvn'

/** Kafka 4 brokers need it (Apache Kafka 4.0 release notes). */
const LEAST_JAVA_VERSION = 17
/** Why a part is not to be had here and what would enable it, or undefined if it is. */
export function whyMissing(part: RealPart): string | undefined {
  switch (part) {
    case 'kafka':
      return whyKafkaIsMissing()
    case 'java':
      return whyJavaIsMissing()
    case 'mvn':
      return missingProgram('mvn', 'apt-get install maven')
    case 'chromium':
      return findChromium() ? undefined : 'chromium is not installed; apt-get install chromium, or set CHROMIUM_PATH'
    case 'mosquitto':
    case 'kcat':
    case 'strace':
    case 'wrk':
      return missingProgram(part, `apt-get install ${part}`)
  }
}

function missingProgram(name: string, remedy: string): string | undefined {
  return findProgram(name) ? undefined : `${name} is not installed; ${remedy}`
}

function whyKafkaIsMissing(): string | undefined {
  if (process.env['KAFKA_BROKERS']) return undefined
  const remedy = `set KAFKA_BROKERS=host:port to use a broker you have${dockerHint()}`
  const java = whyJavaIsMissing()
  if (java) return `${java}, or ${remedy}`
  if (isKafkaResolved()) return undefined
  const maven = missingProgram('mvn', 'apt-get install maven')
  return maven ? `the broker's jars are not here and ${maven}, or ${remedy}` : undefined
}

/** We do not start containers ourselves; where an engine works, one command gives a broker. */
function dockerHint(): string {
  try {
    execFileSync('docker', ['version', '--format', '{{.Server.Version}}'], { stdio: 'ignore', timeout: 3000 })
    return ' (docker works here: docker run -d -p 9092:9092 apache/kafka, then KAFKA_BROKERS=localhost:9092)'
  } catch {
    return ''
  }
}

function whyJavaIsMissing(): string | undefined {
  const remedy = 'apt-get install openjdk-17-jre-headless'
  const java = findJava()
  if (java === undefined) return `java is not installed; ${remedy}`
  try {
    // The version is the first thing in quotes: openjdk version "17.0.15" 2025-04-15
    const text = execFileSync('sh', ['-c', '"$0" -version 2>&1', java], { encoding: 'utf8', timeout: 20_000 })
    const version = Number(/version "(\d+)/.exec(text)?.[1])
    return version >= LEAST_JAVA_VERSION
      ? undefined
      : `java is version ${version}, Kafka 4 needs ${LEAST_JAVA_VERSION}; ${remedy}`
  } catch (error) {
    return `java does not run (${error instanceof Error ? error.message : String(error)}); ${remedy}`
  }
}
