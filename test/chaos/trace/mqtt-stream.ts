export interface MqttPacket {
  readonly type: number
  readonly flags: number
  readonly body: Buffer
}

/** Takes MQTT packets out of the bytes of one direction of a connection, as they come. */
export class MqttStream {
  #rest: Buffer = Buffer.alloc(0)

  take(bytes: Buffer): MqttPacket[] {
    const packets: MqttPacket[] = []
    this.#rest = Buffer.concat([this.#rest, bytes])
    for (;;) {
      const head = headOf(this.#rest)
      if (head === undefined || this.#rest.length < head.bytes + head.length) return packets
      const first = this.#rest[0]!
      const body = this.#rest.subarray(head.bytes, head.bytes + head.length)
      this.#rest = this.#rest.subarray(head.bytes + head.length)
      packets.push({ type: first >> 4, flags: first & 15, body })
    }
  }
}

export const packetType = { connect: 1, publish: 3, puback: 4 } as const

/** Message id and payload of a PUBLISH at QoS 1 or 2; undefined at QoS 0, which nobody acknowledges. */
export function publicationOf(flags: number, body: Buffer): { messageId: number; payload: Buffer } | undefined {
  if ((flags & 6) === 0) return undefined
  const at = 2 + body.readUInt16BE(0)
  return { messageId: body.readUInt16BE(at), payload: body.subarray(at + 2) }
}

/** Remaining length (MQTT 3.1.1 §2.2.3) and the bytes that tell it, the packet type included. */
function headOf(bytes: Buffer): { bytes: number; length: number } | undefined {
  let length = 0
  for (let at = 1; at < bytes.length && at <= 4; at++) {
    length += (bytes[at]! & 127) * 128 ** (at - 1)
    if ((bytes[at]! & 128) === 0) return { bytes: at + 1, length }
  }
  return undefined
}
