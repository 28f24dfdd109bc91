import { SluiceError } from '../../errors/sluice-error.ts'
import { retryDelayMs } from '../retry-delay.ts'
import type { CommittedOffsets } from './committed-offsets.ts'
import type { ResolvedOptions } from './options.ts'
import type { Segment } from './segment.ts'
import { bytesInTheWay, unprocessedBytes } from './unprocessed.ts'

/** What the quota is measured by. */
export interface QuotaSubject {
  readonly segments: readonly Segment[]
  readonly committed: CommittedOffsets
  /** Groups that hold records. */
  readonly groups: () => readonly string[]
  /** Durable end offset by partition. */
  readonly ends: readonly number[]
}

/** The group that holds most of the stream. */
interface Holder extends Progress {
  readonly group: string
  readonly unprocessed: readonly number[]
  readonly bytes: number
}

/** Up to where a group is done, as a position in the log, and how fast it gets on; undefined until it was seen twice. */
interface Progress {
  readonly doneBytes: number
  readonly perSecond: number | undefined
}

/** How often the groups are looked at while the stream is more than half full: a refusal itself must stay cheap. */
const sampleMs = 1_000

/**
 * The quota of one stream. When it is used up it says which group holds the events, and how long it will take at the
 * speed at which that group completes them.
 */
export class StreamQuota {
  readonly #options: ResolvedOptions
  readonly #subject: QuotaSubject
  #sampledMs = -Infinity
  /** Of the last sample, by group. */
  #progress = new Map<string, Progress>()
  #holder: Holder | undefined

  constructor(options: ResolvedOptions, subject: QuotaSubject) {
    this.#options = options
    this.#subject = subject
  }

  /** Why so many bytes do not fit; undefined when they do. @param used on disk and on their way there. */
  refusalOf(bytes: number, used: number): SluiceError | undefined {
    const { maxBytes, stream } = this.#options
    if (maxBytes === undefined || used + bytes <= maxBytes) return undefined
    this.#sampleIfDue()
    const holder = this.#holder
    const inTheWay =
      holder === undefined ? 0 : bytesInTheWay(this.#subject.segments, holder.unprocessed, used + bytes - maxBytes)
    const retryAfterMs =
      this.#subject.groups().length === 0
        ? retryDelayMs(1, 0, Math.random())
        : retryDelayMs(inTheWay, holder?.perSecond, Math.random())
    return new SluiceError('SLUICE_LOG_FULL', `stream ${stream} is full: ${this.#reason(maxBytes)}`, {
      details: { stream, retryAfterMs },
    })
  }

  /** To be called when groups have completed something, however often. @param used as above. */
  progressed(used: number): void {
    const { maxBytes } = this.#options
    if (maxBytes !== undefined && used * 2 > maxBytes) this.#sampleIfDue()
  }

  #reason(maxBytes: number): string {
    const holder = this.#holder
    if (holder !== undefined && holder.bytes >= 1) {
      const name = this.#options.describeGroup(holder.group) ?? `group ${holder.group}`
      return `${name} has ${inUnits(holder.bytes)} unprocessed`
    }
    if (this.#subject.groups().length > 0)
      return `its ${inUnits(maxBytes)} are processed and are being removed; try again shortly`
    return `nothing reads it, and its ${inUnits(maxBytes)} are kept for their retention time; add a trigger or raise its maxBytes`
  }

  #sampleIfDue(): void {
    const nowMs = this.#options.monotonicMs()
    const elapsedMs = nowMs - this.#sampledMs
    if (elapsedMs < sampleMs) return
    this.#sampledMs = nowMs
    const { segments, ends, committed, groups } = this.#subject
    const last = segments.at(-1)
    const endPosition = last === undefined ? 0 : last.start + last.bytes
    const progress = new Map<string, Progress>()
    let holder: Holder | undefined
    for (const group of groups()) {
      const unprocessed = unprocessedBytes(segments, ends, committed, group)
      const bytes = unprocessed.reduce((sum, part) => sum + part, 0)
      const before = this.#progress.get(group)
      const doneBytes = endPosition - bytes
      const perSecond = before === undefined ? undefined : speedOf(before, doneBytes, elapsedMs)
      progress.set(group, { doneBytes, perSecond })
      if (holder === undefined || bytes > holder.bytes) holder = { group, unprocessed, bytes, doneBytes, perSecond }
    }
    this.#progress = progress
    this.#holder = holder
  }
}

/** The last interval counts half, so that one slow or fast second does not send everybody away or back. */
function speedOf(before: Progress, doneBytes: number, elapsedMs: number): number {
  const now = (Math.max(0, doneBytes - before.doneBytes) * 1_000) / elapsedMs
  return before.perSecond === undefined ? now : (now + before.perSecond) / 2
}

/** 1.0 GiB: quotas are configured in powers of two. */
function inUnits(bytes: number): string {
  for (const [unit, size] of units) if (bytes >= size) return `${(bytes / size).toFixed(1)} ${unit}`
  return `${Math.round(bytes)} bytes`
}

const units = [
  ['GiB', 1_073_741_824],
  ['MiB', 1_048_576],
  ['KiB', 1_024],
] as const
