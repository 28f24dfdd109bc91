import { messageOf } from '../../../errors/sluice-error.ts'
import type { KafkaHealth } from '../kafka-client.ts'

/** What the last request of any kind says about the brokers. */
export class ConnectionHealth {
  #isConnected = false
  #lastError: string | null = null

  succeeded(): void {
    this.#isConnected = true
    this.#lastError = null
  }

  failed(error: unknown): void {
    this.#isConnected = false
    this.#lastError = messageOf(error)
  }

  snapshot(): KafkaHealth {
    return { connected: this.#isConnected, lastError: this.#lastError }
  }
}
