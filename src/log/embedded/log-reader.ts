import { join } from 'node:path'
import type { ByteBlock } from './byte-block.ts'
import { saveCorruptBytes } from './corrupt-bytes.ts'
import type { ResolvedOptions } from './options.ts'
import { lengthOf, offsetOf, partitionOf, recordType, timestampOf, typeOf } from './record-codec.ts'
import { SegmentReader } from './segment-reader.ts'
import { type Segment, segmentHeadBytes } from './segment.ts'
import type { CachedChunk, TailCache } from './tail-cache.ts'

/** What stands at a position of the log: records in memory, or a range in which there are none. */
export type LogChunk =
  | ({ readonly kind: 'records'; readonly end: number } & CachedChunk)
  | { readonly kind: 'gap'; readonly start: number; readonly end: number }

/** Reads the durable part of the log by position: from memory what is recent, else from the segments. */
export class LogReader {
  readonly #options: ResolvedOptions
  readonly #segments: readonly Segment[]
  readonly #cache: TailCache
  readonly #knownDamage = new Set<string>()
  #end = 0

  constructor(options: ResolvedOptions, segments: readonly Segment[], cache: TailCache) {
    this.#options = options
    this.#segments = segments
    this.#cache = cache
  }

  /** Damaged ranges met so far. */
  get damaged(): number {
    return this.#knownDamage.size
  }

  /** Position behind the last durable record. */
  get end(): number {
    return this.#end
  }

  /** Set together with the durable end offsets, so that a reader never sees one without the other. */
  advance(end: number): void {
    this.#end = end
  }

  /** Position from which on {@link recent} has everything. */
  get recentStart(): number {
    return this.#cache.start ?? this.end
  }

  recent(position: number): CachedChunk | undefined {
    return this.#cache.at(position)
  }

  /** A position at or before the record with this offset; the end for one that is not there yet. */
  seek(partition: number, offset: number): number {
    let index = this.#segments.length - 1
    while (index > 0 && (this.#segments[index]!.offsets[partition] ?? 0) > offset) index -= 1
    return this.#segments[index]!.start
  }

  /**
   * Reads on at a position that is the beginning of a record or of a segment; undefined at the end of the log.
   * @param reused memory of a chunk that was read before, if nothing refers to it any more.
   */
  async read(position: number, reused?: ByteBlock): Promise<LogChunk | undefined> {
    for (;;) {
      const first = this.#segments[0]!
      if (position < first.start) return { kind: 'gap', start: position, end: first.start }
      const segment = this.#segments.findLast(({ start }) => start <= position)!
      const at = Math.max(position - segment.start, segmentHeadBytes)
      const end = Math.min(segment.bytes, this.#end - segment.start)
      if (at >= end) {
        const next = this.#segments.find(({ start }) => start > position)
        return next === undefined ? undefined : { kind: 'gap', start: position, end: next.start }
      }
      const reader = await this.#open(segment)
      if (reader === undefined) continue
      try {
        const part = await reader.read(at, end, segment.sequence, reused)
        const start = segment.start + at
        if (part.kind === 'records')
          return { kind: 'records', block: part.block, from: 0, to: part.bytes, start, end: start + part.bytes }
        await this.#noteDamage(segment, at, part.bytes)
        return { kind: 'gap', start, end: start + part.bytes }
      } finally {
        await reader.close()
      }
    }
  }

  /**
   * By partition, the offset of the first event at or after a time; `ends` where there is none. Events are taken to be
   * in the order of their times by segment, so a clock that was set back may show as some events more.
   */
  async offsetsAt(timestampMs: number, ends: readonly number[]): Promise<number[]> {
    const found = new Map<number, number>()
    const first = this.#segments.findLast(({ createdMs }) => createdMs < timestampMs) ?? this.#segments[0]!
    let position = first.start
    while (found.size < ends.length) {
      const chunk = await this.read(position)
      if (chunk === undefined) break
      position = chunk.end
      if (chunk.kind !== 'records') continue
      eachEvent(chunk.block, chunk.from, chunk.to, (at, partition) => {
        if (!found.has(partition) && timestampOf(chunk.block.view, at) >= timestampMs)
          found.set(partition, offsetOf(chunk.block.view, at))
      })
    }
    return ends.map((end, partition) => found.get(partition) ?? end)
  }

  async #open(segment: Segment): Promise<SegmentReader | undefined> {
    const { files, directory } = this.#options
    try {
      return new SegmentReader(await files.open(join(directory, segment.name), 'read'), segment.marker)
    } catch (error) {
      // Retention deleted it since we looked; the list of segments knows.
      if (!this.#segments.includes(segment)) return undefined
      throw error
    }
  }

  async #noteDamage(segment: Segment, at: number, bytes: number): Promise<void> {
    const place = `${segment.name}-${at}`
    if (this.#knownDamage.has(place)) return
    this.#knownDamage.add(place)
    await saveCorruptBytes(this.#options.files, this.#options.directory, segment, at, bytes)
  }
}

/** Visits the events between two records of a block. */
export function eachEvent(
  block: ByteBlock,
  from: number,
  to: number,
  visit: (at: number, partition: number) => void,
): void {
  const { view } = block
  for (let at = from; at < to; at += lengthOf(view, at))
    if (typeOf(view, at) === recordType.event) visit(at, partitionOf(view, at))
}
