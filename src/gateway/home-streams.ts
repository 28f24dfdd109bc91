import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { StreamConfig } from '../config/sections/stream.ts'
import type { SluiceError } from '../errors/sluice-error.ts'
import type { DiskReserve } from '../log/embedded/disk-reserve.ts'
import { openEmbeddedLog, type EmbeddedLog } from '../log/embedded/embedded-log.ts'
import { createStreamIntake } from '../sources/stream-intake.ts'
import type { StreamIntake } from '../sources/source.ts'
import { Histogram } from '../telemetry/histogram.ts'

export interface HomeStream {
  readonly name: string
  readonly log: EmbeddedLog
  readonly intake: StreamIntake
  /** Writes with their syncs, in ms. */
  readonly syncMs: Histogram
  /** Bytes at which it is full. */
  readonly maxBytes: number | undefined
}

export interface HomeStreamsOptions {
  readonly dataDir: string
  readonly onFatal: (error: SluiceError) => void
  /** Of the disk that all of them are on. */
  readonly reserve: DiskReserve
  /** Who reads as a group, in words; see stream-holder.ts. */
  readonly describeGroup: (group: string) => string | undefined
}

/** Consumer group of a trigger: from its uid alone, so that function and version may change without losing its place. */
export function groupOf(uid: string): string {
  return `trigger.${uid}`
}

/** The embedded logs of the home streams, and what sources need to write to them. */
export class HomeStreams {
  readonly #options: HomeStreamsOptions
  readonly #streams = new Map<string, HomeStream>()
  readonly #opening = new Map<string, Promise<HomeStream>>()

  constructor(options: HomeStreamsOptions) {
    this.#options = options
  }

  get(name: string): HomeStream | undefined {
    return this.#streams.get(name)
  }

  values(): Iterable<HomeStream> {
    return this.#streams.values()
  }

  keys(): Iterable<string> {
    return this.#streams.keys()
  }

  /**
   * Opens a stream, made when it is missing; opened once however often it is asked for.
   * @param groups of the triggers that read it: they hold records before they first subscribe, and others are forgotten. A
   *   group of an earlier trigger would hold the log for ever.
   */
  open(name: string, definition: Readonly<StreamConfig>, groups: readonly string[]): Promise<HomeStream> {
    const open = this.#streams.get(name)
    if (open !== undefined) return Promise.resolve(open)
    let opening = this.#opening.get(name)
    if (opening === undefined) {
      opening = this.#open(name, definition, groups).finally(() => this.#opening.delete(name))
      this.#opening.set(name, opening)
    }
    return opening
  }

  /** Closes a stream and deletes its records. Its triggers have stopped before. */
  async delete(name: string): Promise<void> {
    const stream = this.#streams.get(name)
    if (stream === undefined) return
    this.#streams.delete(name)
    await stream.log.close()
    await rm(this.#directoryOf(name), { recursive: true, force: true })
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#opening.values())
    for (const { log } of this.#streams.values()) await log.close()
  }

  async #open(name: string, definition: Readonly<StreamConfig>, groups: readonly string[]): Promise<HomeStream> {
    const { onFatal, reserve, describeGroup } = this.#options
    const syncMs = new Histogram()
    const log = await openEmbeddedLog({
      directory: this.#directoryOf(name),
      stream: name,
      partitionCount: definition.partitions,
      retentionMs: definition.retentionMs,
      maxBytes: definition.maxBytes,
      groups,
      onFatal,
      reserve,
      describeGroup,
      onSynced: durationMs => syncMs.record(durationMs),
    })
    try {
      for (const group of log.groups) if (!groups.includes(group)) await log.forgetGroup(group)
      const { windowMs, maxIds } = definition.deduplication
      const intake = createStreamIntake({ log, dedupe: { windowMs, maxEntries: maxIds } })
      await intake.rebuild()
      const stream = { name, log, intake, syncMs, maxBytes: definition.maxBytes }
      this.#streams.set(name, stream)
      return stream
    } catch (error) {
      await log.close()
      throw error
    }
  }

  #directoryOf(name: string): string {
    return join(this.#options.dataDir, 'streams', name)
  }
}
