import { join } from 'node:path'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import { type CommitGroup, markGroup } from './commit-group.ts'
import type { LogFile } from './file-layer.ts'
import type { ResolvedOptions } from './options.ts'
import { type Checkpoint, encodeSegmentStart, type Segment, segmentName } from './segment.ts'

/** A write that left the log as it was: what was to be written is refused, and the log goes on. */
export class WriteRefused extends Error {
  override readonly name = 'WriteRefused'
  readonly error: SluiceError

  constructor(error: SluiceError) {
    super(error.message)
    this.error = error
  }
}

const syncWrites = { syncWrites: true }

/** Writes commit groups to the last segment and begins new ones. One call at a time. */
export class LogWriter {
  readonly #options: ResolvedOptions
  readonly #segments: Segment[]
  readonly #checkpoint: () => Checkpoint
  #file: LogFile | undefined

  /** @param segments of the log; the writer adds to it. */
  constructor(options: ResolvedOptions, segments: Segment[], checkpoint: () => Checkpoint) {
    this.#options = options
    this.#segments = segments
    this.#checkpoint = checkpoint
  }

  /** Opens the last segment, or begins the first one. */
  async open(sequence: number): Promise<void> {
    const last = this.#segments.at(-1)
    if (last === undefined) await this.#beginSegment(sequence, undefined)
    else this.#file = await this.#options.files.open(join(this.#options.directory, last.name), 'update', syncWrites)
  }

  /**
   * Makes a group durable and gives the position of its first byte.
   * @throws {WriteRefused} nothing of the group was kept. Any other error is fatal: what is on disk is unknown then, and
   *   a sync that failed once may succeed the next time although the data is gone.
   */
  async write(group: CommitGroup): Promise<number> {
    const segment = this.#segments[this.#segments.length - 1]!
    if (segment.bytes + group.bytes > this.#options.segmentBytes && segment.sequence < group.sequence)
      return this.#beginSegment(group.sequence, group)
    const file = this.#file!
    try {
      await file.write(buffersOf(group, segment.marker), segment.bytes)
    } catch (error) {
      if (!isNoSpace(error)) throw error
      await file.truncate(segment.bytes)
      // The disk may have been full as late as on syncing, and what was refused must not come back after a crash.
      await file.sync()
      throw this.#refused('SLUICE_LOG_FULL', error)
    }
    if (file.isSynced !== true) await file.sync()
    const position = segment.start + segment.bytes
    segment.bytes += group.bytes
    return position
  }

  /** Each segment has a marker of its own: a block of the disk that held a record of another one is no record here. */
  async #beginSegment(sequence: number, group: CommitGroup | undefined): Promise<number> {
    const { files, directory } = this.#options
    const marker = this.#options.random32()
    const name = segmentName(sequence, marker)
    const path = join(directory, name)
    const checkpoint = this.#checkpoint()
    const start = encodeSegmentStart(marker, sequence, checkpoint)
    const buffers = group === undefined ? [] : buffersOf(group, marker)
    let file: LogFile
    try {
      file = await files.open(path, 'create', syncWrites)
    } catch (error) {
      throw this.#refused(isNoSpace(error) ? 'SLUICE_LOG_FULL' : 'SLUICE_LOG_UNAVAILABLE', error)
    }
    try {
      await file.write([start, ...buffers], 0)
    } catch (error) {
      await file.close()
      if (!isNoSpace(error)) throw error
      await files.remove(path)
      // What was refused must not come back after a crash: another sync of the directory may have made the file durable.
      await files.syncDirectory(directory)
      throw this.#refused('SLUICE_LOG_FULL', error)
    }
    await file.sync()
    await files.syncDirectory(directory)
    await this.#file?.close()
    this.#file = file
    const last = this.#segments.at(-1)
    const position = last === undefined ? 0 : last.start + last.bytes
    const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, start.length)
    const { createdMs, ends: offsets } = checkpoint
    this.#segments.push({ name, marker, sequence, start: position, bytes, offsets, createdMs })
    return position + start.length
  }

  #refused(code: 'SLUICE_LOG_FULL' | 'SLUICE_LOG_UNAVAILABLE', cause: unknown): WriteRefused {
    const { stream, directory } = this.#options
    const message =
      code === 'SLUICE_LOG_FULL'
        ? `stream ${stream} cannot be written: no space left in ${directory}; free some and try again`
        : `stream ${stream} cannot begin a segment in ${directory}: ${messageOf(cause)}`
    return new WriteRefused(new SluiceError(code, message, { cause, details: { stream } }))
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }
}

function buffersOf(group: CommitGroup, marker: number): Buffer[] {
  if (group.marker !== marker) markGroup(group, marker)
  return group.parts.map(({ block, from, to }) => block.bytes.subarray(from, to))
}

function isNoSpace(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOSPC' || code === 'EDQUOT'
}
