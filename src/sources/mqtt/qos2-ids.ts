import { hash } from 'node:crypto'
import type { ReleaseLedger } from './release-ledger.ts'

/** The connection of a QoS 2 sender. */
export interface Qos2Sender {
  readonly clientId: string
  /** A clean session ends with its connection, and so does every open packet identifier. */
  readonly isClean: boolean
  /** Unique to this connection. */
  readonly nonce: string
  /** Releases of this connection by packet identifier; clean sessions only. */
  readonly releases: Map<number, number>
}

/**
 * The deduplication id of a QoS 2 message: the same for every redelivery of one message, different for every other.
 *
 * The packet identifier alone would not do: it is used again after PUBREL, so the number of its releases is part of the
 * id. The contents are part of it for devices that lose their session with a reboot and begin to count again although they
 * asked to keep it: their next message must not be taken for a redelivery.
 */
export function qos2Id(
  ledger: ReleaseLedger,
  sender: Qos2Sender,
  messageId: number,
  topic: string,
  payload: Buffer,
): string {
  const contents = hash('sha256', Buffer.concat([Buffer.from(`${topic}\0`), payload])).slice(0, 16)
  if (sender.isClean) return `qos2:${sender.nonce}:${messageId}:${sender.releases.get(messageId) ?? 0}:${contents}`
  return `qos2:${sender.clientId}:${messageId}:${ledger.generation(sender.clientId, messageId)}:${contents}`
}

/** PUBREL has arrived: the identifier may be used again once this resolves. */
export async function releaseQos2(ledger: ReleaseLedger, sender: Qos2Sender, messageId: number): Promise<void> {
  if (sender.isClean) sender.releases.set(messageId, (sender.releases.get(messageId) ?? 0) + 1)
  else await ledger.release(sender.clientId, messageId)
}
