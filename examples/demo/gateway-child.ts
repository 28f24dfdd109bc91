import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream, type WriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { freePort } from './free-port.ts'

const launcher = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url))
const configFile = fileURLToPath(new URL('sluice.yaml', import.meta.url))

/** A busy machine takes its time to start Node and to load three functions. */
const startLimitMs = 60_000
const stopLimitMs = 20_000
const tailLines = 20

type State = 'stopped' | 'starting' | 'running' | 'ending'

/**
 * The gateway as a process of its own: one data directory and one address over all its lives.
 *
 *   stopped ──start()──▶ starting ──its line "is ready"──▶ running ──kill(), stop()──▶ ending ──▶ stopped
 *                            └───────────ends by itself───────┴──▶ stopped, and `died` rejects
 */
export class GatewayChild {
  readonly httpUrl: string
  readonly mqttUrl: string
  /** Never resolves; rejects when the process ends without being asked to. */
  readonly died: Promise<never>
  readonly #directory: string
  readonly #arguments: readonly string[]
  readonly #environment: NodeJS.ProcessEnv
  readonly #log: WriteStream
  readonly #tail: string[] = []
  readonly #reportDeath: (error: Error) => void
  #state: State = 'stopped'
  #child: ChildProcess | undefined

  static async create(directory: string, environment: Readonly<Record<string, string>>): Promise<GatewayChild> {
    return new GatewayChild(directory, environment, await freePort(), await freePort())
  }

  private constructor(
    directory: string,
    environment: Readonly<Record<string, string>>,
    httpPort: number,
    mqttPort: number,
  ) {
    this.#directory = directory
    this.httpUrl = `http://127.0.0.1:${httpPort}`
    this.mqttUrl = `mqtt://127.0.0.1:${mqttPort}`
    const ports = ['--port', String(httpPort), '--mqtt-port', String(mqttPort)]
    this.#arguments = [launcher, 'start', '--config', configFile, ...ports, '--log-level', 'warn']
    this.#environment = { ...process.env, ...environment }
    this.#log = createWriteStream(this.logFile)
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => undefined)
    this.died = promise
    this.#reportDeath = reject
  }

  get state(): State {
    return this.#state
  }

  /** Everything that the gateway printed, over all its lives. */
  get logFile(): string {
    return join(this.#directory, 'gateway.log')
  }

  /** Starts it and returns the ms until it said that it is ready. @throws {Error} with its last lines if it does not. */
  async start(): Promise<number> {
    const startedAt = performance.now()
    this.#setState('starting')
    // In a group of its own: Ctrl-C in the terminal is for the demo, which then ends it.
    const child = spawn(process.execPath, this.#arguments, {
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    this.#child = child
    const ready = Promise.withResolvers<void>()
    this.#read(child.stdout, line => {
      if (/^Sluice \S+ is ready\./.test(line)) ready.resolve()
    })
    this.#read(child.stderr, () => undefined)
    child.once('error', error => ready.reject(error))
    child.once('exit', (code, signal) => {
      const wasAsked = this.#state === 'ending'
      this.#setState('stopped')
      const error = this.#failure(`the gateway ended by itself (${signal ?? `exit code ${code}`})`)
      ready.reject(error)
      if (!wasAsked) this.#reportDeath(error)
    })
    const limit = setTimeout(() => {
      ready.reject(this.#failure(`the gateway was not ready within ${startLimitMs / 1000} s`))
    }, startLimitMs)
    try {
      await ready.promise
    } finally {
      clearTimeout(limit)
    }
    this.#setState('running')
    return performance.now() - startedAt
  }

  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<number | null> {
    return this.#end('SIGKILL')
  }

  /** SIGTERM, so that it finishes what it has accepted; returns its exit code, or null when it had to be killed. */
  async stop(): Promise<number | null> {
    const limit = setTimeout(() => this.killNow(), stopLimitMs)
    try {
      return await this.#end('SIGTERM')
    } finally {
      clearTimeout(limit)
    }
  }

  /** SIGKILL without waiting, for a process that is about to end itself. */
  killNow(): void {
    this.#child?.kill('SIGKILL')
  }

  #setState(state: State): void {
    this.#state = state
  }

  #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    if (child === undefined || this.#state === 'stopped') return Promise.resolve(null)
    this.#setState('ending')
    return new Promise(resolve => {
      child.once('exit', code => resolve(code))
      child.kill(signal)
    })
  }

  #read(output: Readable, onLine: (line: string) => void): void {
    createInterface({ input: output }).on('line', line => {
      this.#log.write(`${line}\n`)
      this.#tail.push(line)
      if (this.#tail.length > tailLines) this.#tail.shift()
      onLine(line)
    })
  }

  #failure(what: string): Error {
    return new Error(`${what}; the last it printed:\n\n${this.#tail.map(line => `    ${line}`).join('\n')}\n`)
  }
}
