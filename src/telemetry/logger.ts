import { destination, pino, stdTimeFunctions, type Logger } from 'pino'
import type { LoggingConfig } from '../config/sections/logging.ts'
import { parseTraceparent } from '../events/traceparent.ts'
import { createConsoleFormat } from './console-format.ts'

export type { Logger } from 'pino'

export interface LoggerOptions {
  readonly level: LoggingConfig['level']
  /** Lines for people instead of JSON; default: whether `fd` is a terminal. */
  readonly pretty?: boolean
  /** File descriptor that lines are written to, default 1. */
  readonly fd?: number
}

const secretNames = [
  'authorization', 'Authorization', 'cookie', 'password', 'passphrase', 'secret', 'secrets', 'token', 'sasl',
  'apiKey', 'accessKey', 'privateKey',
] // prettier-ignore

/** As far down as the gateway nests what it logs; a wildcard stands for exactly one level. */
const redactedPaths = ['', '*.', '*.*.'].flatMap(prefix => secretNames.map(name => prefix + name))

/**
 * The gateway's log: one JSON object per line with ISO time, or lines for people on a terminal. Written synchronously,
 * so that the last line before a crash is there. A reader that goes away or a full disk behind stdout loses lines and
 * nothing else.
 */
export function createLogger({ level, fd = 1, pretty = fd === 1 && process.stdout.isTTY }: LoggerOptions): Logger {
  const out = destination({ fd, sync: true })
  // Without a listener a failed write would end the process.
  out.on('error', () => {})
  const format = pretty ? createConsoleFormat({ colors: hasColors(fd) }) : undefined
  const stream = format === undefined ? out : { write: (line: string) => void out.write(format(line)) }
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      redact: { paths: redactedPaths, censor: '[redacted]' },
    },
    stream,
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
