type Log<Level> = (level: Level, message: string, details: Readonly<Record<string, unknown>>) => void

const quietMs = 60_000
/** Messages name brokers and topics, of which there are few. */
const maxKnown = 100

/**
 * Passes each message on at most once a minute, with the number of those left out since. kafkajs tells every try of every
 * connection anew: with the brokers away that is several lines a second for hours.
 */
export function quietLog<Level>(log: Log<Level>, now: () => number = Date.now): Log<Level> {
  const known = new Map<string, { untilMs: number; repeated: number }>()
  return (level, message, details) => {
    const nowMs = now()
    const before = known.get(message)
    if (before !== undefined && nowMs < before.untilMs) {
      before.repeated++
      return
    }
    if (known.size >= maxKnown) known.clear()
    known.set(message, { untilMs: nowMs + quietMs, repeated: 0 })
    const repeated = before?.repeated ?? 0
    log(level, message, repeated === 0 ? details : { ...details, repeated })
  }
}
