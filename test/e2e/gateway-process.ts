import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { stringify } from 'yaml'
import { startNodeScript, type Exit, type NodeProcess } from '../support/child-process.ts'
import { freePort } from '../support/free-port.ts'
import { leashDirectory } from '../support/leash.ts'

type Json = Record<string, unknown>

export interface GatewaySetup {
  /** What the test is about; data directory and free ports are filled in. Text is written as it is. */
  config: Json | string
  /** Added to the environment. KAFKA_BROKERS of the test run is hidden, so that only the configuration decides. */
  env?: Readonly<Record<string, string | undefined>>
  /** Options of node itself, such as `--import`. */
  nodeArgs?: readonly string[]
}

/** Paths of the functions that the gateways of these tests run. */
export const functionFile = (name: string): string => join(import.meta.dirname, 'functions', name)

export const launcher = resolve(import.meta.dirname, '../../bin/sluice.js')
/** A busy machine takes its time to start Node and two checks of functions. */
const startTimeoutMs = 50_000
const pollMs = 25

/** Writes the configuration and starts the real gateway as a process of its own; resolves when it is ready. */
export async function startGateway(setup: GatewaySetup): Promise<GatewayProcess> {
  const gateway = await prepareGateway(setup)
  try {
    await gateway.start()
  } catch (error) {
    await gateway.dispose()
    throw error
  }
  return gateway
}

/** As {@link startGateway}, without the start. */
export async function prepareGateway(setup: GatewaySetup): Promise<GatewayProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-e2e-'))
  const ports = { http: await freePort(), mqtt: await freePort() }
  const gateway = new GatewayProcess(directory, ports, setup)
  await mkdir(join(directory, 'functions'))
  await gateway.configure(setup.config)
  return gateway
}

/** One gateway on one data directory: it can be ended in every way and started again, at the same addresses. */
export class GatewayProcess {
  /** Temporary; holds configuration and data, and whatever a test puts there. */
  readonly directory: string
  readonly httpPort: number
  readonly mqttPort: number
  readonly #env: Readonly<Record<string, string | undefined>>
  readonly #nodeArgs: readonly string[]
  readonly #unleash: () => void
  #process: NodeProcess | undefined

  constructor(
    directory: string,
    ports: { http: number; mqtt: number },
    { env = {}, nodeArgs = [] }: Pick<GatewaySetup, 'env' | 'nodeArgs'> = {},
  ) {
    this.directory = directory
    this.httpPort = ports.http
    this.mqttPort = ports.mqtt
    this.#env = { KAFKA_BROKERS: undefined, ...env }
    this.#nodeArgs = nodeArgs
    this.#unleash = leashDirectory(directory)
  }

  get url(): string {
    return `http://127.0.0.1:${this.httpPort}`
  }

  get mqttUrl(): string {
    return `mqtt://127.0.0.1:${this.mqttPort}`
  }

  /** The running process, or the last one. */
  get process(): NodeProcess {
    if (this.#process === undefined) throw new Error('the gateway was never started')
    return this.#process
  }

  /** A path in the temporary directory. */
  path(name: string): string {
    return join(this.directory, name)
  }

  /** Replaces the configuration; it counts from the next start on. */
  async configure(config: Json | string): Promise<void> {
    const text =
      typeof config === 'string'
        ? config
        : stringify({
            dataDir: './data',
            ...config,
            http: { port: this.httpPort, ...(config['http'] as Json | undefined) },
            mqtt: { port: this.mqttPort, ...(config['mqtt'] as Json | undefined) },
          })
    await writeFile(this.path('sluice.yaml'), text)
  }

  /** Starts the process without waiting for anything. */
  launch(): NodeProcess {
    const args = ['start', '--config', this.path('sluice.yaml')]
    this.#process = startNodeScript({ script: launcher, args, env: this.#env, nodeArgs: this.#nodeArgs })
    return this.#process
  }

  /** Starts the process and resolves when it prints that it is ready, at the addresses that it was told. */
  async start(): Promise<void> {
    const process = this.launch()
    await process.waitForLine(/^Sluice \S+ is ready\.$/, { timeoutMs: startTimeoutMs })
    const [, url] = await process.waitForLine(/^ {2}HTTP +(http:\S+)/)
    assert.equal(url, this.url)
  }

  /** Starts a command line that has to end by itself. */
  async run(...args: readonly string[]): Promise<{ exit: Exit; stdout: string; stderr: string }> {
    const process = startNodeScript({ script: launcher, args, env: { ...this.#env, SLUICE_URL: this.url } })
    const exit = await process.exited
    return { exit, stdout: process.stdout.join('\n'), stderr: process.stderr.join('\n') }
  }

  /** Runs `sluice …` against this gateway and returns what it printed; it has to succeed. */
  async cli(...args: readonly string[]): Promise<string> {
    const { exit, stdout, stderr } = await this.run(...args)
    assert.deepEqual(exit, { code: 0, signal: null }, `sluice ${args.join(' ')}: ${stderr}`)
    return stdout
  }

  /** SIGTERM; the process has to drain and to exit with 0. */
  async stop(): Promise<void> {
    const exit = await this.process.stop(30_000)
    assert.deepEqual(exit, { code: 0, signal: null }, this.process.lines.slice(-40).join('\n'))
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    assert.deepEqual(await this.process.kill(), { code: null, signal: 'SIGKILL' })
  }

  /** Starts a gateway that has ended again, on the same data and addresses. */
  async restart(): Promise<void> {
    if (this.process.exit === undefined) throw new Error('the gateway still runs')
    await this.start()
  }

  /** Ends what still runs and removes the directory; for `afterEach`. */
  async dispose(): Promise<void> {
    if (this.#process !== undefined && this.#process.exit === undefined) await this.#process.kill()
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
    this.#unleash()
  }

  /** The JSON at a path of the API. */
  async get<View>(path: string): Promise<View> {
    const response = await fetch(this.url + path)
    const text = await response.text()
    assert.equal(response.status, 200, text)
    return JSON.parse(text) as View
  }

  /** Status and body of a POST with a JSON body, or with `text` as it is. */
  async post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return { status: response.status, headers: response.headers, body: await response.text() }
  }

  async trigger(name: string): Promise<TriggerState> {
    return this.get<TriggerState>(`/v1/triggers/${name}`)
  }

  async deadLetters(trigger: string): Promise<readonly DeadLetter[]> {
    return (await this.get<{ items: DeadLetter[] }>(`/v1/triggers/${trigger}/dead-letters?limit=500`)).items
  }

  async readiness(): Promise<Readiness> {
    const response = await fetch(`${this.url}/readyz`)
    return { status: response.status, ...((await response.json()) as Omit<Readiness, 'status'>) }
  }

  /** Resolves when everything that has to run runs. */
  async ready(): Promise<void> {
    await this.until('ready', async () => (await this.readiness()).status === 200)
  }

  /** Asks again and again until the answer is truthy; there is no event for what only the API shows. */
  async until<Answer>(
    what: string,
    ask: () => Promise<Answer | undefined | false>,
    timeoutMs = 50_000,
  ): Promise<Answer> {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
      const { exit, lines } = this.process
      if (exit !== undefined || Date.now() > deadline) {
        const why = exit === undefined ? `not within ${timeoutMs} ms` : `the gateway ended: ${JSON.stringify(exit)}`
        throw new Error(`${what}: ${why}; it printed:\n${lines.slice(-40).join('\n')}`)
      }
      await delay(pollMs)
    }
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

export interface TriggerState {
  readonly state: string
  readonly lag: number | null
  readonly inFlight: number
  readonly succeeded: number
  readonly parkedEvents: number
  readonly delayed: number
  readonly ordering: string
  readonly retries: number
  readonly deadLetters: number
  readonly paused: { readonly reason: string; readonly by: string } | null
  readonly partitions: readonly { readonly partition: number; readonly committed: number | null }[]
}

export interface DeadLetter {
  readonly id: number
  readonly stage: string
  readonly key: string
  readonly reason: string
  readonly message: string
  readonly offset: number
  readonly failures: readonly { readonly attempt: number; readonly reason: string; readonly message: string }[]
  readonly event: Readonly<Record<string, unknown>>
  readonly dataBase64: string | null
}

export interface Readiness {
  readonly status: number
  readonly ready: boolean
  readonly parts: readonly {
    readonly name: string
    readonly state: string
    readonly ready: boolean
    readonly detail?: string
  }[]
}
