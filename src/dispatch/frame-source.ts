import type { Invocation } from '../workers/invocation.ts'
import type { FrameSize } from './frame-size.ts'

/** What has events for the frames of a worker pool. */
export interface FrameSource {
  /** Events that could start now. */
  readonly runnable: number
  readonly runnableKeys: number
  /** Puts events into a frame, at most as many as `size` says; none when it turns out that nothing can start. */
  take(size: FrameSize, into: Invocation[]): void
}

/** Events of all of them that could start now. */
export function runnableOf(sources: readonly FrameSource[]): number {
  let events = 0
  for (const { runnable } of sources) events += runnable
  return events
}
