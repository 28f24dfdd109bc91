/** How far the two clocks may part before the wall clock wins. */
const toleranceMs = 2

/**
 * Wall-clock time in ms with the resolution of the monotonic clock, so that spans that begin in the same ms keep their
 * order. Follows the wall clock when it is set, or drifts away over days.
 */
export function createSpanClock(wall = Date.now, monotonic = () => performance.now()): () => number {
  let offsetMs = wall() - monotonic()
  return () => {
    const elapsedMs = monotonic()
    const wallMs = wall()
    // The wall clock stands still for up to 1 ms, so the true time may be that much later than it says.
    const aheadMs = offsetMs + elapsedMs - wallMs
    if (aheadMs > toleranceMs || aheadMs < -toleranceMs) offsetMs = wallMs - elapsedMs
    return offsetMs + elapsedMs
  }
}
