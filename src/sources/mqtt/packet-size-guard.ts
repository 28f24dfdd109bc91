/**
 * Watches the framing of an MQTT byte stream (fixed header of MQTT 3.1.1 §2.2), so that a packet which is too large is
 * noticed from its first bytes, before a parser has buffered it. Reads no contents.
 *
 *   type ──▶ length (1 to 4 bytes) ──▶ body ──▶ type
 */
export class PacketSizeGuard {
  readonly #maxPacketBytes: number
  #state: 'type' | 'length' | 'body' = 'type'
  #length = 0
  #lengthBytes = 0
  #bodyLeft = 0

  constructor(maxPacketBytes: number) {
    this.#maxPacketBytes = maxPacketBytes
  }

  /** The problem of the first packet that is not acceptable, or undefined. After a problem the stream is beyond use. */
  scan(chunk: Buffer): string | undefined {
    let at = 0
    while (at < chunk.length) {
      if (this.#state === 'body') {
        const taken = Math.min(this.#bodyLeft, chunk.length - at)
        at += taken
        this.#bodyLeft -= taken
        if (this.#bodyLeft === 0) this.#state = 'type'
        continue
      }
      const byte = chunk[at++] as number
      if (this.#state === 'type') {
        this.#length = 0
        this.#lengthBytes = 0
        this.#state = 'length'
        continue
      }
      this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes
      this.#lengthBytes += 1
      if ((byte & 0x80) !== 0) {
        if (this.#lengthBytes === 4) return 'the length of a packet is malformed'
        continue
      }
      const packetBytes = 1 + this.#lengthBytes + this.#length
      if (packetBytes > this.#maxPacketBytes) {
        return `a packet of ${packetBytes} bytes was announced; at most ${this.#maxPacketBytes} are allowed (maxPacketBytes)`
      }
      this.#bodyLeft = this.#length
      this.#state = this.#length === 0 ? 'type' : 'body'
    }
    return undefined
  }
}
