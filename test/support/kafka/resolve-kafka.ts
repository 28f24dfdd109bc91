import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findJava, findProgram } from '../find-program.ts'
import { jarDirectory, kafkaHome, kafkaVersion, POM_PATH } from './kafka-home.ts'

const run = promisify(execFile)

export interface KafkaInstallation {
  version: string
  java: string
  classPath: string
  /** Contents of a formatted storage directory that are the same for every node (`bootstrap.checkpoint`). */
  templateDirectory: string
  home: string
}

/** Maven has the whole of Kafka to download on a new machine. */
const RESOLVE_TIMEOUT_MS = 300_000
const FORMAT_TIMEOUT_MS = 60_000

/** Finds the broker's jars, and with the first call on a machine fetches them with Maven and formats a storage template. */
export async function resolveKafka(): Promise<KafkaInstallation> {
  const java = findJava()
  if (java === undefined)
    throw new Error('java is not installed; Kafka needs Java 17 (apt-get install openjdk-17-jre-headless)')
  if (!existsSync(jarDirectory())) await appearAtOnce(jarDirectory(), fetchJars)
  // Sorted, because a class archive is valid only for the class path it was made with.
  const jars = (await readdir(jarDirectory())).filter(name => name.endsWith('.jar')).sort()
  const classPath = jars.map(name => join(jarDirectory(), name)).join(':')
  const templateDirectory = join(kafkaHome(), 'template')
  if (!existsSync(templateDirectory)) {
    await appearAtOnce(templateDirectory, directory => formatTemplate(java, classPath, directory))
  }
  return { version: kafkaVersion(), java, classPath, templateDirectory, home: kafkaHome() }
}

/** Fills a directory under another name first, so that neither a crash nor a second run sees half of it. */
async function appearAtOnce(directory: string, fill: (directory: string) => Promise<void>): Promise<void> {
  await mkdir(kafkaHome(), { recursive: true })
  const unfinished = await mkdtemp(`${directory}.unfinished-`)
  try {
    await fill(unfinished)
    await rename(unfinished, directory)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    // Another run was quicker: its result is as good as ours.
    if (!existsSync(directory)) throw error
  }
}

async function fetchJars(directory: string): Promise<void> {
  const maven = findProgram('mvn')
  if (maven === undefined)
    throw new Error("Kafka's jars are not here yet and mvn is not installed; apt-get install maven")
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${directory}`]
  try {
    await run(maven, ['-q', '-B', '-f', POM_PATH, ...goal], { timeout: RESOLVE_TIMEOUT_MS })
  } catch (error) {
    throw new Error(`Maven could not fetch Kafka ${kafkaVersion()}: ${outputOf(error)}`, { cause: error })
  }
}

/**
 * Formats a storage directory once and keeps it as a template. What StorageTool writes differs between nodes only in
 * `meta.properties`, which is four lines of text; the JVM it costs would be a third of the start.
 */
async function formatTemplate(java: string, classPath: string, directory: string): Promise<void> {
  const properties = join(directory, 'format.properties')
  await writeFile(
    properties,
    [
      'process.roles=broker,controller',
      'node.id=1',
      'controller.quorum.voters=1@127.0.0.1:1',
      'listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1',
      'controller.listener.names=CONTROLLER',
      `log.dirs=${directory}`,
    ].join('\n'),
  )
  const jvm = [
    '-Xmx256m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-cp',
    classPath,
    ...loggingArguments(directory),
  ]
  const format = ['kafka.tools.StorageTool', 'format', '-t', 'c2x1aWNlLXRlbXBsYXRlMQ', '-c', properties]
  try {
    await run(java, [...jvm, ...format], { timeout: FORMAT_TIMEOUT_MS })
  } catch (error) {
    throw new Error(`Kafka could not format its storage: ${outputOf(error)}`, { cause: error })
  }
}

/** JVM arguments that send Kafka's own log to `server.log` in `directory`. */
export function loggingArguments(directory: string): string[] {
  return [
    `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'log4j2.properties')}`,
    `-Dkafka.log.file=${join(directory, 'server.log')}`,
  ]
}

function outputOf(error: unknown): string {
  const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string }
  return `${stdout}\n${stderr}`.trim() || message
}
