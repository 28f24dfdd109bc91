import { destination, pino, stdTimeFunctions, type Logger } from 'pino'
import type { LoggingConfig } from '../config/sections/logging.ts'
import { parseTraceparent } from '../events/traceparent.ts'
import { createConsoleFormat } from './console-format.ts'
import { LogRedaction } from './log-redaction.ts'
import type { ResourceAttributes } from './resource-attributes.ts'

export type { Logger } from 'pino'

export interface LoggerOptions {
  readonly level: LoggingConfig['level']
  /** Lines for people instead of JSON; default: whether `fd` is a terminal. */
  readonly pretty?: boolean
  /** What hides secrets by their value or place; default: one that knows no values. */
  readonly redaction?: LogRedaction
  /** What every JSON line says about its gateway, as spans and metrics do; lines for people have nothing of it. */
  readonly resource?: ResourceAttributes
  /** File descriptor that lines are written to, default 1. */
  readonly fd?: number
}

const secretNames = [
  'authorization', 'Authorization', 'cookie', 'password', 'passphrase', 'secret', 'secrets', 'token', 'sasl',
  'apiKey', 'accessKey', 'privateKey', 'accessToken', 'refreshToken', 'access_token', 'refresh_token', 'client_secret',
] // prettier-ignore

/** As far down as the gateway nests what it logs; a wildcard stands for exactly one level. */
const redactedPaths = ['', '*.', '*.*.'].flatMap(prefix => secretNames.map(name => prefix + name))

/**
 * The gateway's log: one JSON object per line with ISO time, or lines for people on a terminal. Written synchronously,
 * so that the last line before a crash is there. A reader that goes away or a full disk behind stdout loses lines and
 * nothing else.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { level, fd = 1, redaction = new LogRedaction(), resource } = options
  const { pretty = fd === 1 && process.stdout.isTTY } = options
  const out = destination({ fd, sync: true })
  // Without a listener a failed write would end the process.
  out.on('error', () => {})
  const format = pretty ? createConsoleFormat({ colors: hasColors(fd) }) : undefined
  const write = (line: string): void => {
    const hidden = redaction.hide(line)
    out.write(format === undefined ? hidden : format(hidden))
  }
  return pino(
    {
      level,
      base: pretty || resource === undefined ? null : { resource },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      redact: { paths: redactedPaths, censor: '[redacted]' },
    },
    { write },
  )
}

/** `trace_id` and `span_id`, as OpenTelemetry names them in logs that are not its own; nothing without a valid traceparent. */
export function traceFields(traceparent: string | undefined): { trace_id?: string; span_id?: string } {
  const context = traceparent === undefined ? undefined : parseTraceparent(traceparent)
  return context === undefined ? {} : { trace_id: context.traceId, span_id: context.spanId }
}

/** https://no-color.org */
function hasColors(fd: number): boolean {
  return fd === 1 && process.stdout.isTTY && !process.env['NO_COLOR']
}
