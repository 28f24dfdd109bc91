import type { TelemetryLogger } from './telemetry-logger.ts'

/** Who decides whether an event is traced. */
export interface Sampling {
  /** The sender's decision counts where there is one; else every trace id is judged by the ratio alone. */
  readonly honoursParent: boolean
  /** Share of the remaining traces that are sampled, 0 to 1. */
  readonly ratio: number
}

const samplers: Readonly<Record<string, { honoursParent: boolean; ratio: number | 'argument' }>> = {
  always_on: { honoursParent: false, ratio: 1 },
  always_off: { honoursParent: false, ratio: 0 },
  traceidratio: { honoursParent: false, ratio: 'argument' },
  parentbased_always_on: { honoursParent: true, ratio: 1 },
  parentbased_always_off: { honoursParent: true, ratio: 0 },
  parentbased_traceidratio: { honoursParent: true, ratio: 'argument' },
}

/**
 * `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` where they are set, as an operator expects of them; else the
 * sender's decision and `configuredRatio`. An unknown sampler is ignored and an invalid argument counts as 1, both with
 * a warning (OpenTelemetry specification, "SDK environment variables").
 */
export function samplingOf(env: NodeJS.ProcessEnv, configuredRatio: number, logger?: TelemetryLogger): Sampling {
  const name = env['OTEL_TRACES_SAMPLER']?.trim()
  if (name === undefined || name === '') return { honoursParent: true, ratio: configuredRatio }
  const known = Object.hasOwn(samplers, name) ? samplers[name] : undefined
  if (known === undefined) {
    const supported = Object.keys(samplers).join(', ')
    logger?.warn({ sampler: name }, `OTEL_TRACES_SAMPLER is ignored: it is none of ${supported}`)
    return { honoursParent: true, ratio: configuredRatio }
  }
  if (known.ratio !== 'argument') return { honoursParent: known.honoursParent, ratio: known.ratio }
  const text = env['OTEL_TRACES_SAMPLER_ARG']?.trim() ?? ''
  const ratio = text === '' ? 1 : Number(text)
  if (ratio >= 0 && ratio <= 1) return { honoursParent: known.honoursParent, ratio }
  logger?.warn({ argument: text }, 'OTEL_TRACES_SAMPLER_ARG is not a number from 0 to 1: everything is sampled')
  return { honoursParent: known.honoursParent, ratio: 1 }
}

/** How many of the trailing random digits of a trace id are compared: as many as a number holds exactly. */
const comparedDigits = 13
const comparedRange = 16 ** comparedDigits
const uint32Range = 2 ** 32

/** Written and turned into hexadecimal at once: formatting large numbers one by one takes ten times as long. */
const bytes = Buffer.alloc(16)

/**
 * Draws the trace id of a new trace, undefined when it is not sampled: one random number and one comparison then.
 * The number becomes part of the id, so that `isSampled` says the same of it anywhere else.
 * @param random uniform in [0, 1).
 */
export function drawTraceId(ratio: number, random: () => number = Math.random): string | undefined {
  const draw = random()
  if (draw < 1 - ratio) return undefined
  const scaled = draw * 2 ** 24
  const leading = Math.floor(scaled)
  writeNonZero(0, random)
  bytes.writeUInt32BE(Math.floor(random() * uint32Range), 4)
  // The ninth byte is random, the three behind it and 28 bits of the next four are the number.
  bytes.writeUInt32BE(Math.floor(random() * 256) * 2 ** 24 + leading, 8)
  bytes.writeUInt32BE(Math.floor((scaled - leading) * 2 ** 28) * 16 + Math.floor(random() * 16), 12)
  return bytes.toString('hex', 0, 16)
}

/**
 * Whether the ratio takes a trace, by its id alone: of the 56 trailing bits, which W3C Trace Context level 2 has random,
 * the leading 52 have to reach 1 - ratio (OpenTelemetry, "Probability sampling": the larger values are kept).
 */
export function isSampled(ratio: number, traceId: string): boolean {
  return Number.parseInt(traceId.slice(18, 18 + comparedDigits), 16) / comparedRange >= 1 - ratio
}

export function drawSpanId(random: () => number = Math.random): string {
  writeNonZero(0, random)
  bytes.writeUInt32BE(Math.floor(random() * uint32Range), 4)
  return bytes.toString('hex', 0, 8)
}

/** An id of zeros is invalid. */
function writeNonZero(offset: number, random: () => number): void {
  bytes.writeUInt32BE(Math.max(1, Math.floor(random() * uint32Range)), offset)
}
