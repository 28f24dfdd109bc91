let readAtMs = 0

/**
 * A monotonic clock in ms that is read once per burst: events arrive and are settled many at a time, and one reading for
 * all of them costs next to nothing per event. Within a burst of some milliseconds it stands still.
 */
export function turnTimeMs(): number {
  if (readAtMs === 0) {
    readAtMs = performance.now()
    queueMicrotask(forget)
  }
  return readAtMs
}

function forget(): void {
  readAtMs = 0
}
