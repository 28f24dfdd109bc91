import type { SendingLedger, TestEvent } from '../../e2e/ledger.ts'
import { nowUs } from '../checker/history.ts'

/** Hands on what senders know, and keeps when each event was sent for the first time. */
export class TimedLedger implements SendingLedger {
  /** By id, in microseconds of the machine's monotonic clock. */
  readonly sentUs = new Map<string, number>()
  readonly #ledger: Required<SendingLedger>

  constructor(ledger: Required<SendingLedger>) {
    this.#ledger = ledger
  }

  async send(id: string, event: TestEvent): Promise<void> {
    await this.#ledger.send(id, event)
    // After the ledger: the time that its disk takes is not the gateway's.
    if (!this.sentUs.has(id)) this.sentUs.set(id, nowUs())
  }

  acknowledge(id: string): void {
    this.#ledger.acknowledge(id)
  }

  refuse(id: string): void {
    this.#ledger.refuse(id)
  }

  lose(id: string): void {
    this.#ledger.lose(id)
  }
}
