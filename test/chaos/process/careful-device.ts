import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import mqttPacket, { type Packet } from 'mqtt-packet'
import type { SendingLedger, TestEvent } from '../../e2e/ledger.ts'

export interface DeviceOptions {
  readonly port: number
  /** Key of its events, and its client id. */
  readonly key: string
  /** Pause between two events. */
  readonly everyMs: number
  readonly ledger: SendingLedger
  /** After it nothing is published for the first time; what was waits for its PUBACK. */
  readonly signal: AbortSignal
  /** After it nothing is waited for any more. */
  readonly abandoned: AbortSignal
}

/** Unacknowledged messages. */
const inFlight = 20
const reconnectMs = 50
/** How long devices wait for CONNACK; what MQTT.js does by default. */
const connackMs = 30_000

/**
 * Publishes at QoS 1 as the standard wants it (MQTT 3.1.1 §4.4, §4.6): on a new connection everything without a PUBACK is
 * sent again, in order, before anything new. MQTT.js does not keep that order when connections end while it repeats.
 */
export function publishCarefully(options: DeviceOptions): Promise<void> {
  return new CarefulDevice(options).run()
}

class CarefulDevice {
  readonly #options: DeviceOptions
  /** In the order of their sequences. */
  readonly #unacknowledged: TestEvent[] = []
  #socket: Socket | undefined
  #changed: () => void = () => undefined
  #isOver = false

  constructor(options: DeviceOptions) {
    this.#options = options
  }

  async run(): Promise<void> {
    const { abandoned } = this.#options
    abandoned.addEventListener('abort', () => this.#changed(), { once: true })
    const connecting = this.#stayConnected()
    await this.#produce()
    await this.#until(() => this.#unacknowledged.length === 0)
    this.#isOver = true
    this.#socket?.destroy()
    await connecting
  }

  async #produce(): Promise<void> {
    const { key, everyMs, ledger, signal, abandoned } = this.#options
    for (let seq = 0; !signal.aborted && !abandoned.aborted; seq++) {
      const event = { id: `${key}-${seq}`, key, seq }
      await ledger.send(event.id, event)
      this.#unacknowledged.push(event)
      this.#publish(event, false)
      await delay(everyMs)
      await this.#until(() => this.#unacknowledged.length < inFlight)
    }
  }

  async #stayConnected(): Promise<void> {
    while (!this.#isOver) {
      await this.#connectOnce()
      for (const { id } of this.#unacknowledged) this.#options.ledger.lose(id)
      if (!this.#isOver) await delay(reconnectMs)
    }
  }

  /** One connection from its beginning to its end. */
  #connectOnce(): Promise<void> {
    const { port, key } = this.#options
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const parser = mqttPacket.parser({ protocolVersion: 4 })
    const silence = setTimeout(() => socket.destroy(), connackMs)
    parser.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connack') {
        clearTimeout(silence)
        this.#socket = socket
        for (const event of this.#unacknowledged) this.#publish(event, true)
      } else if (packet.cmd === 'puback') this.#acknowledged(packet.messageId!)
    })
    socket.on('data', bytes => parser.parse(bytes))
    // The end of the connection says all there is to say.
    socket.on('error', () => undefined)
    socket.once('connect', () => {
      socket.write(
        mqttPacket.generate({
          cmd: 'connect',
          protocolId: 'MQTT',
          protocolVersion: 4,
          clean: false,
          clientId: `device-${key}`,
          keepalive: 0,
        }),
      )
    })
    return new Promise(resolve => {
      socket.once('close', () => {
        clearTimeout(silence)
        if (this.#socket === socket) this.#socket = undefined
        resolve()
      })
    })
  }

  #publish(event: TestEvent, dup: boolean): void {
    const topic = `devices/${event.key}/telemetry`
    const payload = JSON.stringify(event)
    this.#socket?.write(
      mqttPacket.generate({
        cmd: 'publish',
        topic,
        payload,
        messageId: messageIdOf(event),
        qos: 1,
        dup,
        retain: false,
      }),
    )
  }

  #acknowledged(messageId: number): void {
    const index = this.#unacknowledged.findIndex(event => messageIdOf(event) === messageId)
    const [event] = index < 0 ? [] : this.#unacknowledged.splice(index, 1)
    if (event !== undefined) this.#options.ledger.acknowledge(event.id)
    this.#changed()
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.#options.abandoned.aborted)
      await new Promise<void>(resolve => (this.#changed = resolve))
  }
}

/** Never two at a time among so few. */
const messageIdOf = ({ seq }: TestEvent): number => (seq % 65_535) + 1
