import { connectAsync, type MqttClient } from 'mqtt'

export interface ReceivedMessage {
  readonly topic: string
  readonly payload: Buffer
}

/** A subscriber that keeps what it gets. */
export class MqttInbox {
  readonly messages: ReceivedMessage[] = []
  readonly #client: MqttClient
  readonly #waiters = new Set<() => void>()

  /** Resolves when the broker has confirmed the subscription. */
  static async open(url: string, topicFilter: string): Promise<MqttInbox> {
    const client = await connectAsync(url, { protocolVersion: 4 })
    const inbox = new MqttInbox(client)
    await client.subscribeAsync(topicFilter, { qos: 1 })
    return inbox
  }

  private constructor(client: MqttClient) {
    this.#client = client
    client.on('message', (topic, payload) => {
      this.messages.push({ topic, payload })
      for (const wake of this.#waiters) wake()
    })
  }

  /** Resolves when so many messages have come. */
  waitFor(count: number): Promise<readonly ReceivedMessage[]> {
    return new Promise(resolve => {
      const check = (): void => {
        if (this.messages.length < count) return
        this.#waiters.delete(check)
        resolve(this.messages)
      }
      this.#waiters.add(check)
      check()
    })
  }

  /** Messages so far, as topics and JSON values. */
  values(): readonly { readonly topic: string; readonly value: unknown }[] {
    return this.messages.map(({ topic, payload }) => ({ topic, value: JSON.parse(payload.toString()) as unknown }))
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true)
  }
}
