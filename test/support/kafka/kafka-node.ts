import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { leashProcess, type Unleash } from '../leash.ts'
import { brokerProperties, type KafkaNodeAddress } from './broker-properties.ts'
import { type KafkaInstallation, loggingArguments } from './resolve-kafka.ts'

export interface KafkaNodeOptions {
  installation: KafkaInstallation
  address: KafkaNodeAddress
  cluster: readonly KafkaNodeAddress[]
  clusterId: string
  /** Of this node alone; keeps its properties, data and log. */
  directory: string
  jvmArguments: readonly string[]
  autoCreateTopics?: boolean
}

/** How long a broker may take to shut down before it is killed. */
const STOP_TIMEOUT_MS = 15_000
const LOG_LINES_IN_MESSAGE = 30

/** One JVM with a broker in it, which can be started and ended again and again on the same data. */
export class KafkaNode {
  readonly address: KafkaNodeAddress
  readonly #options: KafkaNodeOptions
  #child: ChildProcess | undefined
  #unleash: Unleash | undefined

  constructor(options: KafkaNodeOptions) {
    this.address = options.address
    this.#options = options
  }

  /** Of the running JVM; undefined while it is down. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  get isRunning(): boolean {
    return this.#child !== undefined
  }

  /** Starts the JVM; that it answers is for the caller to await. */
  async start(): Promise<void> {
    if (this.#child) throw new Error(`broker ${this.address.nodeId} runs already`)
    const { installation, address, cluster, directory, jvmArguments, autoCreateTopics } = this.#options
    const dataDirectory = join(directory, 'data')
    const propertiesFile = join(directory, 'server.properties')
    await this.#formatStorage(dataDirectory)
    await writeFile(propertiesFile, brokerProperties(address, cluster, dataDirectory, autoCreateTopics))
    const output = await open(join(directory, 'output.log'), 'a')
    try {
      const jvm = [...jvmArguments, ...loggingArguments(directory), '-cp', installation.classPath]
      const child = spawn(installation.java, [...jvm, 'kafka.Kafka', propertiesFile], {
        stdio: ['ignore', output.fd, output.fd],
      })
      await once(child, 'spawn')
      this.#child = child
      this.#unleash = leashProcess(child.pid!)
      child.once('exit', () => this.#forget(child))
    } finally {
      await output.close()
    }
  }

  /** SIGTERM, then SIGKILL for one that does not go. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.signal('SIGKILL'), STOP_TIMEOUT_MS)
    try {
      await this.#end('SIGTERM')
    } finally {
      clearTimeout(timer)
    }
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** The end of what the broker logged, for messages. */
  async logTail(): Promise<string> {
    const { directory } = this.#options
    const texts = await Promise.all(
      ['output.log', 'server.log'].map(name => readFile(join(directory, name), 'utf8').catch(() => '')),
    )
    return texts.map(text => text.trimEnd().split('\n').slice(-LOG_LINES_IN_MESSAGE).join('\n')).join('\n')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (!child) return
    const exited = once(child, 'exit')
    child.kill(signal)
    // A stopped JVM (SIGSTOP) would never see a SIGTERM.
    child.kill('SIGCONT')
    await exited
  }

  #forget(child: ChildProcess): void {
    if (this.#child !== child) return
    this.#child = undefined
    this.#unleash?.()
  }

  async #formatStorage(dataDirectory: string): Promise<void> {
    const metaFile = join(dataDirectory, 'meta.properties')
    if (existsSync(metaFile)) return
    await mkdir(dataDirectory, { recursive: true })
    const { installation, clusterId, address } = this.#options
    const bootstrap = 'bootstrap.checkpoint'
    await copyFile(join(installation.templateDirectory, bootstrap), join(dataDirectory, bootstrap))
    const meta = { version: 1, 'cluster.id': clusterId, 'node.id': address.nodeId, 'directory.id': kafkaUuid() }
    const text = Object.entries(meta).map(([name, value]) => `${name}=${value}\n`)
    // Last, because it is what says that the directory is formatted.
    await writeFile(metaFile, text.join(''))
  }
}

/** A UUID as Kafka writes it. */
export function kafkaUuid(): string {
  const bytes = randomBytes(16)
  // With the top bit clear the text never begins with '-', which Kafka's tools would take for an option.
  bytes[0] = bytes[0]! & 0x7f
  return bytes.toString('base64url')
}
