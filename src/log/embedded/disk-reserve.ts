import { SluiceError } from '../../errors/sluice-error.ts'
import { withJitter } from '../retry-delay.ts'
import type { FileLayer } from './file-layer.ts'

/** How often the file system is asked, at most and at least while there are writes. */
const minIntervalMs = 250
const maxIntervalMs = 1_000
/** Room that must be there before appends go on after a write found none, whatever the reserve. */
const minFreeBytes = 65_536

/** How long whoever is refused for it should wait: disks are seldom freed by themselves. */
const retryMs = 10_000

export interface DiskReserveOptions {
  readonly files: FileLayer
  /** On the disk in question. */
  readonly directory: string
  readonly reserveBytes: number
  /** A clock that never jumps. */
  readonly monotonicMs: () => number
}

/**
 * Watches the free space of the disk. Appends are refused while it is below the reserve, so that commits and
 * dead letters, which let work finish and segments go, still find room. Logs on one disk share it: what all of them write counts.
 */
export class DiskReserve {
  readonly #options: DiskReserveOptions
  #isLow = false
  #hasFailed = false
  #checkedMs = -Infinity
  #checkedBytes = 0
  #checking: Promise<void> | undefined
  /** As it was when somebody looked last; Infinity before, and while the file system does not tell. */
  freeBytes = Infinity

  constructor(options: DiskReserveOptions) {
    this.#options = options
  }

  /** Free bytes below which appends are refused. */
  get bytes(): number {
    return this.#options.reserveBytes
  }

  /** Whether appends must be refused. While they are, asking also looks again from time to time. */
  get isLow(): boolean {
    if (this.#isLow && this.#options.monotonicMs() - this.#checkedMs >= minIntervalMs) void this.check()
    return this.#isLow
  }

  /** Why nothing new may be kept now; undefined when it may. @param what is refused, such as `stream orders`. */
  refusalOf(what: string): SluiceError | undefined {
    if (!this.isLow) return undefined
    const { reserveBytes, directory } = this.#options
    const message = `${what} takes nothing: less than ${reserveBytes} bytes are free in ${directory}; free some space`
    return new SluiceError('SLUICE_LOG_FULL', message, {
      details: { retryAfterMs: withJitter(retryMs, Math.random()) },
    })
  }

  wrote(bytes: number): void {
    this.#checkedBytes += bytes
    const isDue =
      this.#checkedBytes >= this.#options.reserveBytes / 4 ||
      this.#options.monotonicMs() - this.#checkedMs >= maxIntervalMs
    if (isDue && this.#options.monotonicMs() - this.#checkedMs >= minIntervalMs / 10) void this.check()
  }

  /** A write found no room. */
  failed(): void {
    this.#isLow = true
    this.#hasFailed = true
    this.#checkedMs = this.#options.monotonicMs()
  }

  /** Looks now. Never rejects: a file system that cannot tell is taken to have room, and a write will tell. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => (this.#checking = undefined))
    return this.#checking
  }

  async #check(): Promise<void> {
    const { files, directory, reserveBytes, monotonicMs } = this.#options
    this.#checkedMs = monotonicMs()
    this.#checkedBytes = 0
    const needed = this.#hasFailed ? Math.max(reserveBytes, minFreeBytes) : reserveBytes
    this.#hasFailed = false
    const free = (this.freeBytes = await files.freeBytes(directory).catch(() => Infinity))
    // A write that failed while we looked knows better.
    this.#isLow = free < needed || this.#hasFailed
  }
}
