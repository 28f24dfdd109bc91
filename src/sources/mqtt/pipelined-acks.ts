import type { IPublishPacket, MqttClient } from 'mqtt'
import { AckOrder } from './ack-order.ts'

export interface PipelinedAcksOptions {
  /** Messages of the connection that may be unacknowledged; the next one is not looked at before one of them is. */
  readonly window: number
  /**
   * Takes a message; call `acknowledge` when it is durable. Called in the order of arrival, and must not throw.
   * For QoS 0, `acknowledge` does nothing.
   */
  receive(packet: IPublishPacket, acknowledge: () => void): void
}

export interface PipelinedAcks {
  /** Whether acknowledgements are pipelined; otherwise one message at a time is taken, which is slow but as safe. */
  readonly pipelined: boolean
  readonly pending: number
  /** The connection is gone: no acknowledgement of it is sent any more. */
  discard(): void
}

type SendPacket = (
  packet: { cmd: string; messageId?: number; reasonCode?: number },
  done?: () => void,
  ...rest: unknown[]
) => void

/** mqtt.js versions whose `handleMessage` and `_sendPacket` work as relied on here; a test watches over it. */
const knownVersions = /^5\.16\./

/**
 * Withholds the PUBACKs of mqtt.js until the messages are durable, without stopping the flow.
 *
 * mqtt.js acknowledges right after its 'message' event, and its own ways to wait (`handleMessage`, and for MQTT 5
 * `customHandleAcks`, which 3.1.1 silently ignores) hold up the next packet, so the rate falls to one message per sync of
 * the disk. Therefore `handleMessage` returns at once, the PUBACK that mqtt.js sends then is swallowed, and ours goes out
 * when the message is durable, in the order of arrival. Install before the connection is up.
 */
export function installPipelinedAcks(client: MqttClient, options: PipelinedAcksOptions): PipelinedAcks {
  const inside = client as unknown as { _sendPacket?: SendPacket; constructor: { VERSION?: unknown } }
  const version = String(inside.constructor.VERSION)
  const sendPacket = inside._sendPacket
  if (!knownVersions.test(version) || typeof sendPacket !== 'function') return installOneAtATime(client, options)

  const acks = new AckOrder()
  let closed = false
  let resume: (() => void) | undefined
  inside._sendPacket = (packet, done, ...rest) => {
    if (packet.cmd === 'puback') done?.()
    else sendPacket.call(client, packet, done, ...rest)
  }
  client.handleMessage = (packet, next) => {
    if (packet.qos !== 1) {
      takeUnpipelined(packet, next, options)
      return
    }
    const { messageId } = packet
    const ticket = acks.open(() => {
      sendPacket.call(client, { cmd: 'puback', ...(messageId === undefined ? {} : { messageId }), reasonCode: 0 })
    })
    options.receive(packet, () => {
      if (closed) return
      acks.settle(ticket)
      if (resume === undefined || acks.pending >= options.window) return
      const goOn = resume
      resume = undefined
      goOn()
    })
    if (acks.pending < options.window) next()
    else resume = next
  }
  return {
    pipelined: true,
    get pending() {
      return acks.pending
    },
    discard() {
      closed = true
      acks.discard()
    },
  }
}

/**
 * QoS 0 needs no acknowledgement. QoS 2 is never subscribed to, because mqtt.js answers PUBREC from memory; a message of
 * that level, from a subscription that others left in the session, is at least durable before its PUBCOMP.
 */
function takeUnpipelined(packet: IPublishPacket, next: () => void, options: PipelinedAcksOptions): void {
  if (packet.qos === 0) {
    options.receive(packet, () => {})
    next()
  } else options.receive(packet, next)
}

/** The documented way: the callback of `handleMessage` sends the PUBACK and lets the next packet in. */
function installOneAtATime(client: MqttClient, options: PipelinedAcksOptions): PipelinedAcks {
  let closed = false
  let pending = 0
  client.handleMessage = (packet, next) => {
    if (packet.qos === 0) {
      takeUnpipelined(packet, next, options)
      return
    }
    pending += 1
    options.receive(packet, () => {
      pending -= 1
      if (!closed) next()
    })
  }
  return {
    pipelined: false,
    get pending() {
      return pending
    },
    discard() {
      closed = true
    },
  }
}
