import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, isPortFree } from '../free-port.ts'
import { leashDirectory } from '../leash.ts'
import { awaitKafka } from './await-kafka.ts'
import type { KafkaNodeAddress } from './broker-properties.ts'
import { classArchiveArguments } from './class-archive.ts'
import { KafkaNode, kafkaUuid } from './kafka-node.ts'
import { resolveKafka } from './resolve-kafka.ts'

export interface StartKafkaOptions {
  /** With three, topics have three replicas of which two must be in sync. Default 1. */
  brokers?: 1 | 3
  /** Keeps the data there across harnesses. Default: a temporary directory that `stop` removes. */
  dir?: string
  /** Client ports, one for each broker. Default: free ones. */
  ports?: readonly number[]
  /** All of the JVM's compilers, for measurements; without them brokers start sooner and leave more of the cores. Default false. */
  fullSpeed?: boolean
  /** Makes a topic (6 partitions) when somebody first writes to it. Default false: a mistyped name is an error. */
  autoCreateTopics?: boolean
}

/** A real Kafka cluster on loopback. Brokers are numbered from 0. */
export interface KafkaHarness {
  /** `host:port,…`, as `KAFKA_BROKERS` takes it. */
  readonly brokers: string
  /** Stops all brokers, and removes their data unless `dir` was given. */
  stop(): Promise<void>
  /** SIGKILL; resolves when the process is gone. */
  kill(index: number): Promise<void>
  /** Starts a broker again on its data and port, killing it first if it runs; resolves when it answers. */
  restart(index: number): Promise<void>
  /** Of the broker's process; undefined while it is down. */
  pid(index: number): number | undefined
  /** SIGSTOP makes a broker that holds its connections and says nothing; SIGCONT ends it. */
  signal(index: number, signal: NodeJS.Signals): void
}

/** Three JVMs that start at once on two busy cores need a while. */
const START_TIMEOUT_MS = 90_000

/** Starts Kafka from its jars in KRaft mode and resolves when it answers. Rejects with the end of the broker's log. */
export async function startKafka(options: StartKafkaOptions = {}): Promise<KafkaHarness> {
  const addresses = await chooseAddresses(options)
  const installation = await resolveKafka()
  const archive = await classArchiveArguments(installation)
  const speed = options.fullSpeed ? [] : ['-XX:TieredStopAtLevel=1']
  const directory = options.dir ?? (await mkdtemp(join(tmpdir(), 'sluice-kafka-')))
  await mkdir(directory, { recursive: true })
  const clusterId = await keptClusterId(directory)
  const nodes: KafkaNode[] = []
  for (const address of addresses) {
    const nodeDirectory = join(directory, `broker-${address.nodeId}`)
    await mkdir(nodeDirectory, { recursive: true })
    nodes.push(
      new KafkaNode({
        installation,
        address,
        cluster: addresses,
        clusterId,
        directory: nodeDirectory,
        jvmArguments: ['-Xms128m', '-Xmx512m', '-XX:+UseSerialGC', ...speed, ...archive],
        autoCreateTopics: options.autoCreateTopics ?? false,
      }),
    )
  }
  const harness = new LocalKafka(nodes, directory, options.dir === undefined)
  await harness.start()
  return harness
}

class LocalKafka implements KafkaHarness {
  readonly brokers: string
  readonly #nodes: readonly KafkaNode[]
  readonly #directory: string
  readonly #isTemporary: boolean
  readonly #unleash: () => void

  constructor(nodes: readonly KafkaNode[], directory: string, isTemporary: boolean) {
    this.#nodes = nodes
    this.#directory = directory
    this.#isTemporary = isTemporary
    this.brokers = nodes.map(({ address }) => `127.0.0.1:${address.clientPort}`).join(',')
    // Nothing to kill here (each node has its own), only the data to remove should this process die.
    this.#unleash = isTemporary ? leashDirectory(directory) : () => {}
  }

  async start(): Promise<void> {
    try {
      await Promise.all(this.#nodes.map(node => node.start()))
      await Promise.all(this.#nodes.map(node => this.#ready(node)))
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    // Data that is thrown away needs no orderly end.
    await Promise.all(this.#nodes.map(node => (this.#isTemporary ? node.kill() : node.stop())))
    if (!this.#isTemporary) return
    await rm(this.#directory, { recursive: true, force: true })
    this.#unleash()
  }

  async kill(index: number): Promise<void> {
    await this.#node(index).kill()
  }

  async restart(index: number): Promise<void> {
    const node = this.#node(index)
    await node.kill()
    await node.start()
    await this.#ready(node)
  }

  pid(index: number): number | undefined {
    return this.#node(index).pid
  }

  signal(index: number, signal: NodeJS.Signals): void {
    this.#node(index).signal(signal)
  }

  async #ready(node: KafkaNode): Promise<void> {
    const running = this.#nodes.filter(({ isRunning }) => isRunning).length
    try {
      await awaitKafka(node.address.clientPort, running, START_TIMEOUT_MS, () => node.isRunning)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new Error(`Kafka broker ${node.address.nodeId}: ${reason}; its log ends with:\n${await node.logTail()}`, {
        cause: error,
      })
    }
  }

  #node(index: number): KafkaNode {
    const node = this.#nodes[index]
    if (!node)
      throw new RangeError(`there is no broker ${index}; the cluster has ${this.#nodes.length}, counted from 0`)
    return node
  }
}

async function chooseAddresses({ brokers = 1, ports }: StartKafkaOptions): Promise<KafkaNodeAddress[]> {
  if (ports && ports.length !== brokers)
    throw new RangeError(`${brokers} brokers need ${brokers} ports, not ${ports.length}`)
  for (const port of ports ?? []) {
    // Else the other program there would be taken for our broker.
    if (!(await isPortFree(port))) throw new Error(`port ${port} is in use; is a Kafka running there already?`)
  }
  const addresses: KafkaNodeAddress[] = []
  for (let index = 0; index < brokers; index++) {
    const clientPort = ports?.[index] ?? (await freePort())
    addresses.push({ nodeId: index + 1, clientPort, controllerPort: await freePort() })
  }
  return addresses
}

/** Brokers refuse data of another cluster, so a kept directory keeps the id it was formatted with. */
async function keptClusterId(directory: string): Promise<string> {
  const file = join(directory, 'cluster-id')
  const kept = await readFile(file, 'utf8').catch(() => undefined)
  if (kept !== undefined) return kept.trim()
  const clusterId = kafkaUuid()
  await writeFile(file, clusterId)
  return clusterId
}
