import { InvalidArgumentError } from 'commander'

/** A parser for options that are whole numbers. */
export function wholeNumber(minimum: number, maximum = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return text => {
    const value = Number(text)
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= minimum && value <= maximum) return value
    const range = maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`
    throw new InvalidArgumentError(`It must be a whole number ${range}.`)
  }
}

/** A parser for options that are numbers. */
export function numberFrom(minimum: number, maximum = Infinity): (text: string) => number {
  return text => {
    const value = Number(text)
    if (/^\d*\.?\d+$/.test(text) && value >= minimum && value <= maximum) return value
    const range = maximum === Infinity ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`
    throw new InvalidArgumentError(`It must be a number ${range}.`)
  }
}

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** 250ms, 10s, 5m, 1h, 1h30m, 2d → ms; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined
  let sum = 0
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    sum += Number(count) * unitMs[unit as keyof typeof unitMs]
  }
  return Math.round(sum)
}

/** A parser for options that are durations. */
export function duration(minimumMs = 0, maximumMs = Infinity): (text: string) => number {
  return text => {
    const value = parseDuration(text)
    if (value === undefined) throw new InvalidArgumentError('It must be a duration such as 250ms, 10s, 5m or 1h.')
    if (value < minimumMs || value > maximumMs) {
      throw new InvalidArgumentError(`It must be from ${minimumMs} to ${maximumMs} ms.`)
    }
    return value
  }
}

/** A parser for points in time: `10m` ago, or RFC 3339 as in 2026-03-01T08:00:00Z. In ms since the epoch. */
export function pointInTime(now: () => number = Date.now): (text: string) => number {
  return text => {
    const ago = parseDuration(text)
    if (ago !== undefined) return now() - ago
    const atMs = /^\d{4}-\d\d-\d\d([T ]|$)/.test(text) ? Date.parse(text) : NaN
    if (!Number.isNaN(atMs)) return atMs
    throw new InvalidArgumentError('It must be how long ago (10m) or a time (2026-03-01T08:00:00Z).')
  }
}

/** For options that may be repeated. */
export const collect = (text: string, previous: readonly string[] | undefined): readonly string[] => [
  ...(previous ?? []),
  text,
]

/** For options `name=value` that may be repeated. */
export function collectPairs(
  text: string,
  previous: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must be like name=value.')
  // A name may be __proto__: fromEntries makes it an own property, an assignment would not.
  return Object.fromEntries([...Object.entries(previous ?? {}), [text.slice(0, at), text.slice(at + 1)]])
}

/** A parser for JSON, with the place of what is wrong. */
export function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new InvalidArgumentError(`It is not JSON: ${error instanceof Error ? error.message : String(error)}.`)
  }
}
