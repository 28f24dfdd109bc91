/**
 * Name under which an event is parked that has no key, or that has left the order of its key: its own, so that it waits for
 * nothing but itself.
 */
export function loneKey(offset: number): string {
  return `\0${offset}`
}

/** Whether a key holds a single event apart from all others. */
export function isLone(key: string, offset: number): boolean {
  return key === '' || (key.charCodeAt(0) === 0 && key === loneKey(offset))
}
