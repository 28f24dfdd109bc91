import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findProgram } from '../find-program.ts'
import { freePort, isPortFree } from '../free-port.ts'
import { leashDirectory, leashProcess, type Unleash } from '../leash.ts'

export interface StartMosquittoOptions {
  /** Keeps sessions, queued and retained messages across `restart`, and what was there at `save` across `kill`. Default false. */
  persistence?: boolean
  /** Default: a free one. */
  port?: number
  /** QoS 1 and 2 messages on their way to one client at a time; 0 for no limit. Mosquitto's default is 20. */
  maxInflight?: number
  /** QoS 1 and 2 messages waiting for one client; what comes beyond is dropped; 0 for no limit. Mosquitto's default is 1000. */
  maxQueued?: number
  /** Sends small packets at once; without it acknowledgements can wait 40 ms. Default false, as Debian ships it. */
  tcpNoDelay?: boolean
}

/** A real Mosquitto on loopback that lets everybody in. */
export interface MosquittoHarness {
  readonly port: number
  /** `mqtt://…`. */
  readonly url: string
  /** Of the process; undefined while it is down. */
  readonly pid: number | undefined
  /** Orderly end; removes the data. */
  stop(): Promise<void>
  /** With `persistence`: writes everything to disk now, which Mosquitto else does every half hour and at its end. */
  save(): Promise<void>
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** Starts it again on its port and data, ending it first in an orderly way if it runs; resolves when it answers. */
  restart(): Promise<void>
}

const START_TIMEOUT_MS = 15_000
const STOP_TIMEOUT_MS = 5_000
const POLL_INTERVAL_MS = 20
const LOG_LINES_IN_MESSAGE = 20

/** Starts Mosquitto and resolves when it accepts an MQTT connection. */
export async function startMosquitto(options: StartMosquittoOptions = {}): Promise<MosquittoHarness> {
  const program = findProgram('mosquitto')
  if (program === undefined) throw new Error('mosquitto is not installed; apt-get install mosquitto')
  if (options.port !== undefined && !(await isPortFree(options.port))) throw new Error(`port ${options.port} is in use`)
  const directory = await mkdtemp(join(tmpdir(), 'sluice-mosquitto-'))
  const port = options.port ?? (await freePort())
  await writeFile(join(directory, 'mosquitto.conf'), mosquittoConfiguration(options, port, directory))
  const broker = new Mosquitto(program, port, directory)
  try {
    await broker.start()
  } catch (error) {
    await broker.stop()
    throw error
  }
  return broker
}

function mosquittoConfiguration(options: StartMosquittoOptions, port: number, directory: string): string {
  const { persistence = false, maxInflight, maxQueued, tcpNoDelay = false } = options
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    // Started by root, it would become a user who may not write into our directory.
    `user ${userInfo().username}`,
    'log_dest stderr',
    'log_type error',
    'log_type warning',
    'log_type notice',
    `persistence ${persistence}`,
    `set_tcp_nodelay ${tcpNoDelay}`,
  ]
  if (persistence) lines.push(`persistence_location ${directory}/`)
  if (maxInflight !== undefined) lines.push(`max_inflight_messages ${maxInflight}`)
  if (maxQueued !== undefined) lines.push(`max_queued_messages ${maxQueued}`)
  return `${lines.join('\n')}\n`
}

class Mosquitto implements MosquittoHarness {
  readonly port: number
  readonly url: string
  readonly #program: string
  readonly #directory: string
  readonly #unleashDirectory: Unleash
  #unleashProcess: Unleash = () => {}
  #child: ChildProcess | undefined

  constructor(program: string, port: number, directory: string) {
    this.#program = program
    this.#directory = directory
    this.port = port
    this.url = `mqtt://127.0.0.1:${port}`
    this.#unleashDirectory = leashDirectory(directory)
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  async start(): Promise<void> {
    const log = await open(join(this.#directory, 'mosquitto.log'), 'a')
    try {
      const child = spawn(this.#program, ['-c', join(this.#directory, 'mosquitto.conf')], {
        stdio: ['ignore', log.fd, log.fd],
      })
      await once(child, 'spawn')
      this.#child = child
      this.#unleashProcess = leashProcess(child.pid!)
      child.once('exit', () => {
        this.#unleashProcess()
        this.#child = undefined
      })
    } finally {
      await log.close()
    }
    await this.#ready()
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    await rm(this.#directory, { recursive: true, force: true })
    this.#unleashDirectory()
  }

  async save(): Promise<void> {
    const before = await this.#databaseInode()
    this.#child?.kill('SIGUSR1')
    const deadline = Date.now() + STOP_TIMEOUT_MS
    // It writes a new file and renames it over the old one.
    while ((await this.#databaseInode()) === before) {
      if (Date.now() > deadline) throw new Error('mosquitto saved nothing; was it started with persistence?')
      await delay(POLL_INTERVAL_MS)
    }
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async restart(): Promise<void> {
    await this.#end('SIGTERM')
    await this.start()
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (!child) return
    const exited = once(child, 'exit')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await exited
    clearTimeout(timer)
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS
    while (!(await acceptsMqtt(this.port))) {
      if (!this.#child) throw new Error(`mosquitto ended while starting:\n${await this.#logTail()}`)
      if (Date.now() > deadline)
        throw new Error(`mosquitto did not answer within ${START_TIMEOUT_MS} ms:\n${await this.#logTail()}`)
      await delay(POLL_INTERVAL_MS)
    }
  }

  async #databaseInode(): Promise<number | undefined> {
    return (await stat(join(this.#directory, 'mosquitto.db')).catch(() => undefined))?.ino
  }

  async #logTail(): Promise<string> {
    const log = await readFile(join(this.#directory, 'mosquitto.log'), 'utf8').catch(() => '')
    return log.trimEnd().split('\n').slice(-LOG_LINES_IN_MESSAGE).join('\n')
  }
}

/** CONNECT (MQTT 3.1.1 section 3.1) with a clean session, keep-alive of a minute and an empty client id. */
const CONNECT = Buffer.from([0x10, 12, 0, 4, ...Buffer.from('MQTT'), 4, 0x02, 0, 60, 0, 0])
/** CONNACK (section 3.2): accepted, without a session. */
const CONNACK = Buffer.from([0x20, 2, 0, 0])

function acceptsMqtt(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1000 })
    let received = Buffer.alloc(0)
    const finish = (accepted: boolean): void => {
      socket.destroy()
      resolve(accepted)
    }
    socket.on('connect', () => socket.write(CONNECT))
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      if (received.length >= CONNACK.length) finish(received.equals(CONNACK))
    })
    socket.on('timeout', () => finish(false))
    socket.on('error', () => finish(false))
    socket.on('end', () => finish(false))
  })
}
