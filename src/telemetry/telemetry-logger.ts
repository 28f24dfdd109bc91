/** What telemetry says about itself; the gateway's logger fits. */
export interface TelemetryLogger {
  warn(facts: object, message: string): void
}

const quietMs = 60_000

/**
 * A logger for trouble that repeats with every export: each message at most once a minute, with the number of those
 * that were left out. Keeps as many entries as there are distinct messages, at most `maxMessages`.
 */
export function throttled(logger: TelemetryLogger, now: () => number = Date.now, maxMessages = 100): TelemetryLogger {
  const seen = new Map<string, { nextMs: number; suppressed: number }>()
  return {
    warn(facts, message) {
      const time = now()
      const entry = seen.get(message)
      if (entry === undefined) {
        if (seen.size >= maxMessages) seen.clear()
        seen.set(message, { nextMs: time + quietMs, suppressed: 0 })
        logger.warn(facts, message)
      } else if (time < entry.nextMs) {
        entry.suppressed++
      } else {
        const { suppressed } = entry
        entry.nextMs = time + quietMs
        entry.suppressed = 0
        logger.warn(suppressed === 0 ? facts : { ...facts, suppressed }, message)
      }
    },
  }
}

/** One line for an error of an exporter; failed connections come as AggregateErrors without a message. */
export function describeFailure(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(describeFailure).join('; ')
  if (!(error instanceof Error)) return String(error)
  const { code } = error as NodeJS.ErrnoException
  return error.message || (typeof code === 'string' ? code : error.name)
}
