import type { AppendRecord } from '../log-record.ts'
import { type ByteBlock, createByteBlock } from './byte-block.ts'
import type { OffsetCommit } from './committed-offsets.ts'
import { groupBytes, jsonBytes, lengthOf, recordType, writeEvent, writeGroup, writeJson } from './record-codec.ts'

const blockBytes = 1_048_576

/** Records of a group that lie together in memory. */
export interface GroupPart {
  readonly block: ByteBlock
  readonly from: number
  to: number
}

/** Someone who waits until a group is durable. */
export interface GroupWaiter {
  resolve(value: number): void
  reject(error: Error): void
  /** What to resolve with: the first offset of an append, the sequence of a commit. */
  readonly value: number
}

/** Records that are written, synced and acknowledged together. */
export interface CommitGroup {
  readonly parts: GroupPart[]
  readonly waiters: GroupWaiter[]
  readonly commits: OffsetCommit[]
  /** Sequence of its first record. */
  readonly sequence: number
  /** What its records are marked with; see {@link markGroup}. */
  marker: number
  records: number
  bytes: number
}

/** Marks the records of a group for another segment than the one that they were encoded for; no checksum covers it. */
export function markGroup(group: CommitGroup, marker: number): void {
  for (const { block, from, to } of group.parts) {
    const { view } = block
    for (let at = from; at < to; at += lengthOf(view, at)) view.setUint32(at, marker, true)
  }
  group.marker = marker
}

/** Where the next record goes. */
export interface LogHead {
  /** End offset by partition. */
  readonly ends: number[]
  sequence: number
}

/**
 * Encodes records into the group that is written next. Encoding happens in the caller's turn and straight into the
 * memory that is written and afterwards serves the readers, so a record is copied once.
 */
export class GroupBuilder {
  /** Of the segment that is written now: what the records of the next group are marked with. */
  marker: number
  readonly #head: LogHead
  #block: ByteBlock = createByteBlock(blockBytes)
  #used = 0
  #group: CommitGroup | undefined
  readonly #place = { marker: 0, partition: 0, sequence: 0, offset: 0, timestampMs: 0 }

  constructor(marker: number, head: LogHead) {
    this.marker = marker
    this.#head = head
  }

  /** Bytes that wait to be written. */
  get bytes(): number {
    return this.#group?.bytes ?? 0
  }

  get waiting(): number {
    return this.#group?.waiters.length ?? 0
  }

  addEvent(partition: number, record: AppendRecord, length: number, timestampMs: number): void {
    const at = this.#reserve(length)
    const place = this.#place
    place.marker = this.#group!.marker
    place.partition = partition
    place.offset = this.#head.ends[partition]!++
    place.sequence = this.#head.sequence++
    place.timestampMs = timestampMs
    writeEvent(this.#block, at, length, record, place)
  }

  /** Adds a commit record and gives its sequence. */
  addCommit(commit: OffsetCommit): number {
    const body = Buffer.from(JSON.stringify(commit))
    const at = this.#reserve(jsonBytes(body))
    const sequence = this.#head.sequence++
    writeJson(this.#block, at, body, { marker: this.#group!.marker, type: recordType.commit, sequence })
    this.#group!.commits.push(commit)
    return sequence
  }

  /** Registers who waits for the records added before; one waiter for each append or commit. */
  wait(value: number): Promise<number> {
    return new Promise((resolve, reject) => this.#group!.waiters.push({ resolve, reject, value }))
  }

  /** Closes the group and hands it out for writing. */
  take(): CommitGroup | undefined {
    const group = this.#group
    this.#group = undefined
    if (group === undefined) return undefined
    const first = group.parts[0]!
    writeGroup(first.block, first.from, {
      marker: group.marker,
      sequence: group.sequence,
      bytes: group.bytes - groupBytes,
      records: group.records,
    })
    return group
  }

  /** Room for one record of a group; it never lies across two blocks. */
  #reserve(length: number): number {
    let group = this.#group
    if (group === undefined) {
      const from = this.#makeRoom(groupBytes + length)
      const part = { block: this.#block, from, to: from + groupBytes }
      const { marker } = this
      const { sequence } = this.#head
      group = { parts: [part], waiters: [], commits: [], sequence, marker, records: 0, bytes: groupBytes }
      this.#group = group
      this.#used += groupBytes
    } else if (this.#used + length > this.#block.bytes.length) {
      const from = this.#makeRoom(length)
      group.parts.push({ block: this.#block, from, to: from })
    }
    const at = this.#used
    this.#used += length
    group.parts[group.parts.length - 1]!.to = this.#used
    group.bytes += length
    group.records += 1
    return at
  }

  #makeRoom(length: number): number {
    if (this.#used + length > this.#block.bytes.length) {
      // Never reused: readers may still look into the old one.
      this.#block = createByteBlock(Math.max(blockBytes, length))
      this.#used = 0
    }
    return this.#used
  }
}
