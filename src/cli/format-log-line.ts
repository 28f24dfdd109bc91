import type { LogLineView } from '../api/views/log-view.ts'
import { colorsOf, type Colors } from './colors.ts'
import type { Terminal } from './command-io.ts'
import { plainLines, plainText } from './terminal-text.ts'

export interface LogLineOptions {
  /** Whether the invocation is told. */
  readonly ids: boolean
}

/** `12:03:44.123 INFO  3       message name=value`; further lines of a message are indented. */
export function formatLogLine(line: LogLineView, terminal: Terminal | undefined, options: LogLineOptions): string {
  const colors = colorsOf(terminal)
  const level = levelColor(line.level, colors)(line.level.toUpperCase().padEnd(5))
  const version = (line.version === '' ? '-' : plainText(line.version)).padEnd(6)
  const place = `${colors.dim(formatTime(line.atMs, terminal !== undefined))} ${level} ${colors.dim(version)} `
  const [first = '', ...rest] = plainLines(line.message).trimEnd().split('\n')
  const message = line.kind === 'lifecycle' ? colors.cyan(first) : first
  const fields = formatFields(line.fields)
  const id = options.ids && line.invocationId !== undefined ? ` (${plainText(line.invocationId)})` : ''
  const more = rest.map(text => `    ${text}`)
  return `${[`${place}${message}${colors.dim(fields + id)}`, ...more].join('\n')}\n`
}

/** Local time of day for a person that looks on; the whole time for a file. */
function formatTime(atMs: number, isShort: boolean): string {
  const at = new Date(atMs)
  if (!isShort) return at.toISOString()
  const time = `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, '0')}`
  const isToday = at.toDateString() === new Date().toDateString()
  const date = [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(part => String(part).padStart(2, '0')).join('-')
  return isToday ? time : `${date} ${time}`
}

function levelColor(level: LogLineView['level'], colors: Colors): (text: string) => string {
  switch (level) {
    case 'error':
      return colors.red
    case 'warn':
      return colors.yellow
    case 'info':
      return colors.green
    case 'debug':
    case 'trace':
      return colors.dim
  }
}

/** Fields as name=value; whatever else was logged as JSON. */
function formatFields(fields: unknown): string {
  if (fields === undefined || fields === null) return ''
  if (typeof fields !== 'object' || Array.isArray(fields)) return ` ${plainText(JSON.stringify(fields))}`
  return Object.entries(fields)
    .map(([name, value]) => {
      const text = typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
      return ` ${plainText(`${name}=${text}`)}`
    })
    .join('')
}
