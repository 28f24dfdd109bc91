/** Memory in which records are written or read: one allocation with the three views that the codec needs. */
export interface ByteBlock {
  readonly bytes: Buffer
  readonly view: DataView
  /** The same memory in words; records are aligned to four bytes so that their checksum can be taken by word. */
  readonly words: Int32Array
}

export function createByteBlock(size: number): ByteBlock {
  const bytes = Buffer.allocUnsafeSlow((size + 3) & ~3)
  return blockOver(bytes)
}

/** A block of its own with the bytes of `source`; the records in it outlive the chunk that they came from. */
export function copyToBlock(source: Buffer, from: number, to: number): ByteBlock {
  const block = createByteBlock(to - from)
  source.copy(block.bytes, 0, from, to)
  return block
}

function blockOver(bytes: Buffer): ByteBlock {
  return {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    words: new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2),
  }
}
