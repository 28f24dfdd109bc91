/** What an embedded log tells of itself; the source of its metrics. */
export interface EmbeddedLogStats {
  /** Bytes on disk. */
  readonly bytes: number
  readonly segments: number
  /** When the oldest segment was begun, ms since the epoch. */
  readonly oldestSegmentMs: number
  /** Events made durable since the log was opened. */
  readonly appended: number
  readonly syncs: number
  readonly lastSyncMs: number
  readonly averageSyncMs: number
  /** Appends and commits that wait for the disk. */
  readonly waiting: number
  readonly waitingBytes: number
  /** Damaged ranges met in recovery and reading. */
  readonly damaged: number
  /** Bytes of a torn tail cut away when the log was opened. */
  readonly truncatedBytes: number
  /** Memory of the tail cache. */
  readonly cachedBytes: number
}
