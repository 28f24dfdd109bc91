/** The place of one message among the acknowledgements of its connection. */
export interface AckTicket {
  settled: boolean
  readonly send: () => void
}

/**
 * Sends acknowledgements in the order in which their messages arrived (MQTT-4.6.0-2), although the messages become
 * durable in any order: a message may go to another stream than its predecessor, or be a dead letter. One per connection.
 */
export class AckOrder {
  #tickets: AckTicket[] = []
  #head = 0

  /** Messages that arrived and are not acknowledged. */
  get pending(): number {
    return this.#tickets.length - this.#head
  }

  /** Call in the order of arrival. */
  open(send: () => void): AckTicket {
    const ticket = { settled: false, send }
    this.#tickets.push(ticket)
    return ticket
  }

  /** The message of the ticket may be acknowledged; sends what is next in order. */
  settle(ticket: AckTicket): void {
    ticket.settled = true
    for (;;) {
      const head = this.#tickets[this.#head]
      if (head === undefined || !head.settled) break
      this.#head += 1
      head.send()
    }
    if (this.#head === this.#tickets.length) {
      this.#tickets = []
      this.#head = 0
    } else if (this.#head >= compactAt) {
      this.#tickets = this.#tickets.slice(this.#head)
      this.#head = 0
    }
  }

  /** The connection is gone, and its acknowledgements with it. */
  discard(): void {
    this.#tickets = []
    this.#head = 0
  }
}

const compactAt = 1024
