import { createByteBlock, type ByteBlock } from './byte-block.ts'
import { crc32Of } from './crc32.ts'
import { groupBytes, jsonBytes, recordType, writeGroup, writeJson } from './record-codec.ts'

/** One file of the log. Positions count the bytes of all segments, as if they were one file. */
export interface Segment {
  readonly name: string
  readonly marker: number
  /** Sequence of its first record. */
  readonly sequence: number
  /** Position of its first byte. */
  readonly start: number
  /** Length in bytes as far as it is written and synced. */
  bytes: number
  /** By partition, the offset of the first event in this segment or later. */
  readonly offsets: readonly number[]
  /** When it was begun: no event in it is older, clock jumps aside. */
  readonly createdMs: number
}

/** State of the log at the beginning of a segment, written there: an index of the segments before, and the start of recovery. */
export interface Checkpoint {
  readonly createdMs: number
  /** End offset by partition. */
  readonly ends: readonly number[]
  /** Committed offsets: group, then partition and offset. */
  readonly groups: readonly (readonly [group: string, offsets: readonly (readonly [number, number])[]])[]
}

export const formatVersion = 1
export const segmentHeadBytes = 16

/** Name from which files sort in order. The marker stands in the name, where damage to the contents does not reach. */
export function segmentName(sequence: number, marker: number): string {
  return `${String(sequence).padStart(16, '0')}-${marker.toString(16).padStart(8, '0')}.segment`
}

export function parseSegmentName(name: string): { sequence: number; marker: number } | undefined {
  const match = /^(\d{16})-([0-9a-f]{8})\.segment$/.exec(name)
  return match === null ? undefined : { sequence: Number(match[1]), marker: Number.parseInt(match[2]!, 16) }
}

/** First bytes of a segment: head, and the checkpoint as a commit group of its own. */
export function encodeSegmentStart(marker: number, sequence: number, checkpoint: Checkpoint): Buffer {
  const body = Buffer.from(JSON.stringify(checkpoint))
  const block = createByteBlock(segmentHeadBytes + groupBytes + jsonBytes(body))
  const { bytes, view } = block
  bytes.write('SLUICE', 0, 'latin1')
  view.setUint16(6, formatVersion, true)
  view.setUint32(8, marker, true)
  view.setUint32(12, crc32Of(block, 0, 12), true)
  writeGroup(block, segmentHeadBytes, { marker, sequence, bytes: jsonBytes(body), records: 1 })
  writeJson(block, segmentHeadBytes + groupBytes, body, { marker, type: recordType.checkpoint, sequence })
  return bytes
}

/** Format version of a segment's head; undefined when the head is damaged, which alone loses nothing. */
export function versionOf(block: ByteBlock, length: number): number | undefined {
  if (length < segmentHeadBytes || block.view.getUint32(12, true) !== crc32Of(block, 0, 12)) return undefined
  return block.bytes.toString('latin1', 0, 6) === 'SLUICE' ? block.view.getUint16(6, true) : undefined
}
