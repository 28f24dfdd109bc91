import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import mqttPacket, { type IConnectPacket, type Packet } from 'mqtt-packet'

export interface RawConnectOptions extends Partial<Omit<IConnectPacket, 'cmd'>> {
  port: number
}

/** An MQTT client without a will of its own: sends exactly the packets the test says, answers nothing. */
export class RawMqttClient {
  readonly socket: Socket
  /** Every packet that arrived, in order. */
  readonly received: Packet[] = []
  /** Resolves when the connection has ended, however. */
  readonly closed: Promise<void>
  readonly #waiters = new Set<() => void>()
  #isClosed = false

  constructor(socket: Socket, protocolVersion: number) {
    this.socket = socket
    const parser = mqttPacket.parser({ protocolVersion })
    parser.on('packet', (packet: Packet) => {
      this.received.push(packet)
      for (const check of [...this.#waiters]) check()
    })
    socket.on('data', chunk => parser.parse(chunk))
    socket.on('error', () => {})
    this.closed = new Promise(resolve => {
      socket.once('close', () => {
        this.#isClosed = true
        for (const check of [...this.#waiters]) check()
        resolve()
      })
    })
  }

  /** Opens the socket, sends CONNECT and resolves with the client once CONNACK has arrived. */
  static async connect(options: RawConnectOptions): Promise<RawMqttClient> {
    const client = await RawMqttClient.open(options)
    await client.waitFor('connack')
    return client
  }

  /** Opens the socket and sends CONNECT, whatever the answer. */
  static async open({ port, ...options }: RawConnectOptions): Promise<RawMqttClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const client = new RawMqttClient(socket, options.protocolVersion ?? 4)
    client.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId: 'raw',
      keepalive: 60,
      ...options,
    } as IConnectPacket)
    return client
  }

  send(packet: Packet): void {
    this.socket.write(mqttPacket.generate(packet))
  }

  publish(
    topic: string,
    payload: string,
    messageId: number,
    options: { qos?: 0 | 1 | 2; dup?: boolean; retain?: boolean } = {},
  ): void {
    this.send({ cmd: 'publish', topic, payload, messageId, qos: 1, dup: false, retain: false, ...options })
  }

  ofKind<Kind extends Packet['cmd']>(cmd: Kind): Extract<Packet, { cmd: Kind }>[] {
    return this.received.filter(packet => packet.cmd === cmd) as Extract<Packet, { cmd: Kind }>[]
  }

  /** Resolves with the first `count` packets of a kind; rejects when the connection ends before. */
  waitFor<Kind extends Packet['cmd']>(cmd: Kind, count = 1): Promise<Extract<Packet, { cmd: Kind }>[]> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const found = this.ofKind(cmd)
        if (found.length >= count) resolve(found.slice(0, count))
        else if (this.#isClosed) reject(new Error(`the connection ended after ${found.length} of ${count} ${cmd}`))
        else return
        this.#waiters.delete(check)
      }
      this.#waiters.add(check)
      check()
    })
  }

  /** Ends the connection without DISCONNECT, as a device that loses power. */
  async kill(): Promise<void> {
    this.socket.destroy()
    await this.closed
  }
}
