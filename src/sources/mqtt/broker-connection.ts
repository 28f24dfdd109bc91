import { randomUUID } from 'node:crypto'
import { AckOrder } from './ack-order.ts'
import type { Qos2Sender } from './qos2-ids.ts'

/** What the embedded broker knows of one client's connection beside what aedes does. */
export interface BrokerConnection extends Qos2Sender {
  readonly acks: AckOrder
  /** How long its acknowledgements may be withheld. */
  readonly limitMs: number
  /** Nothing is acknowledged any more. */
  closed: boolean
}

export function createBrokerConnection(clientId: string, isClean: boolean, limitMs: number): BrokerConnection {
  return { clientId, isClean, limitMs, nonce: randomUUID(), releases: new Map(), acks: new AckOrder(), closed: false }
}
