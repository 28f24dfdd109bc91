import { randomBytes } from 'node:crypto'
import type { SluiceError } from '../../errors/sluice-error.ts'
import type { DiskReserve } from './disk-reserve.ts'
import { nodeFileLayer, type FileLayer } from './file-layer.ts'

export interface EmbeddedLogOptions {
  /** Directory of this stream alone; made when it is missing. One process at a time: see data-dir-lock.ts. */
  readonly directory: string
  readonly stream: string
  /** 1 to 65,536. It may grow from one start to the next, never shrink. */
  readonly partitionCount: number
  /** Size at which a new segment is begun. Default 64 MiB, at most an eighth of `maxBytes`. */
  readonly segmentBytes?: number
  /** Age from which completed segments may be deleted. Default 7 days; null: never by age. */
  readonly retentionMs?: number | null
  /** Size above which the oldest completed segments are deleted. Default none. */
  readonly retentionBytes?: number
  /** Quota: appends that would exceed it are refused with SLUICE_LOG_FULL, commits are not. Default none. */
  readonly maxBytes?: number
  /** Free disk space that is left to commits: appends are refused below it. Default 64 MiB. */
  readonly reserveBytes?: number
  /** The reserve, where several logs share a disk and so watch it together. Default: one of its own. */
  readonly reserve?: DiskReserve
  /** Names a group in the words of whoever is refused because of it, such as `trigger audit, paused since …`. */
  readonly describeGroup?: (group: string) => string | undefined
  /** Bytes that may wait for the disk before appends are refused with SLUICE_LOG_FULL. Default 64 MiB. */
  readonly maxWaitingBytes?: number
  /** Memory for recent records, out of which subscribers that keep up are served. Default 16 MiB. */
  readonly tailCacheBytes?: number
  /** Groups that are configured: they hold records even before they first subscribe. */
  readonly groups?: readonly string[]
  /** How often retention looks at the clock. Default 60,000; 0: only when a segment is begun or completed. */
  readonly retentionIntervalMs?: number
  /** Told once when a write or sync failed: the log takes and gives nothing any more, and the process should stop. */
  readonly onFatal?: (error: SluiceError) => void
  /** Told how long each write with its sync took. */
  readonly onSynced?: (durationMs: number) => void
  readonly files?: FileLayer
  /** Wall clock, for timestamps and retention. */
  readonly nowMs?: () => number
  /** A clock that never jumps, for measuring. */
  readonly monotonicMs?: () => number
  /** A random unsigned 32-bit number, for the marker of a new segment. */
  readonly random32?: () => number
}

/** Options with everything filled in. */
export interface ResolvedOptions extends Required<
  Omit<EmbeddedLogOptions, 'retentionMs' | 'retentionBytes' | 'maxBytes' | 'reserve'>
> {
  readonly retentionMs: number | undefined
  readonly retentionBytes: number | undefined
  readonly maxBytes: number | undefined
}

const mebibyte = 1_048_576

export function resolveOptions(options: EmbeddedLogOptions): ResolvedOptions {
  return {
    directory: options.directory,
    stream: options.stream,
    partitionCount: options.partitionCount,
    // Room comes back by whole segments, and never by the last one: a quota has to hold several.
    segmentBytes: options.segmentBytes ?? Math.min(64 * mebibyte, Math.ceil((options.maxBytes ?? Infinity) / 8)),
    retentionMs: options.retentionMs === null ? undefined : (options.retentionMs ?? 7 * 86_400_000),
    retentionBytes: options.retentionBytes,
    maxBytes: options.maxBytes,
    reserveBytes: options.reserveBytes ?? 64 * mebibyte,
    describeGroup: options.describeGroup ?? ((): undefined => undefined),
    maxWaitingBytes: options.maxWaitingBytes ?? 64 * mebibyte,
    tailCacheBytes: options.tailCacheBytes ?? 16 * mebibyte,
    groups: options.groups ?? [],
    retentionIntervalMs: options.retentionIntervalMs ?? 60_000,
    onFatal: options.onFatal ?? ((): void => undefined),
    onSynced: options.onSynced ?? ((): void => undefined),
    files: options.files ?? nodeFileLayer,
    nowMs: options.nowMs ?? Date.now,
    monotonicMs: options.monotonicMs ?? ((): number => performance.now()),
    random32: options.random32 ?? ((): number => randomBytes(4).readUInt32LE()),
  }
}
