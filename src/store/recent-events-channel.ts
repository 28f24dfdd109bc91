import type { ObservationsCall } from './observations-thread.ts'
import type { MomentChunk, MomentGap, MomentQuery, RecentEvents, RecentEventsAnswer } from './recent-events.ts'

/** Bytes on their way to the thread; those of events that something went wrong with may use all of them. */
const maxBytesUnderWay = 32 * 1024 * 1024
const maxUsualBytesUnderWay = 8 * 1024 * 1024

export interface RecentEventsChannelOptions {
  readonly post: (call: ObservationsCall, transfer?: ArrayBuffer[]) => void
  readonly mayKeep: () => boolean
  readonly read: (query: MomentQuery) => Promise<RecentEventsAnswer>
}

/** The index of recent events as the main thread has it: chunks go to the thread of observations, bounded in bytes. */
export class RecentEventsChannel implements RecentEvents {
  readonly #options: RecentEventsChannelOptions
  /** What would be missing of the chunks on their way, oldest first. */
  readonly #underWay: (MomentGap & { readonly bytes: number })[] = []
  #bytes = 0

  constructor(options: RecentEventsChannelOptions) {
    this.#options = options
  }

  keep(chunk: MomentChunk): boolean {
    const { fromMs, toMs, events } = chunk
    const bytes = chunk.data.byteLength
    const bound = chunk.isNotable ? maxBytesUnderWay : maxUsualBytesUnderWay
    if (!this.#options.mayKeep() || this.#bytes + bytes > bound) return false
    this.#options.post({ kind: 'keep', chunk }, [chunk.data.buffer as ArrayBuffer])
    this.#underWay.push({ fromMs, toMs, events, bytes })
    this.#bytes += bytes
    return true
  }

  keepGap(gap: MomentGap): void {
    if (this.#options.mayKeep()) this.#options.post({ kind: 'keep-gap', gap })
  }

  find(query: MomentQuery): Promise<RecentEventsAnswer> {
    return this.#options.read(query)
  }

  /** The thread is through with the oldest chunk. */
  kept(isKept: boolean): void {
    const chunk = this.#underWay.shift()
    if (chunk === undefined) return
    const { bytes, ...gap } = chunk
    this.#bytes -= bytes
    if (!isKept) this.keepGap(gap)
  }
}
