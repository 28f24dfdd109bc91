import { stripVTControlCharacters } from 'node:util'

const colors = { trace: 90, debug: 90, info: 32, warn: 33, error: 31, fatal: 35 } as const

/** Longer values are cut: a line is there to be read. */
const maxValueLength = 500

/**
 * Turns a line of the JSON log into `HH:MM:SS LEVEL message key=value`, in local time; the stack of an error goes on
 * lines of its own. A line that is no JSON object passes unchanged.
 */
export function createConsoleFormat(options: { colors: boolean }): (line: string) => string {
  const paint = (code: number, text: string): string => (options.colors ? `\u001b[${code}m${text}\u001b[0m` : text)
  return line => {
    const entry = parseEntry(line)
    if (entry === undefined) return line
    const { time, level, msg, err, ...facts } = entry
    const name = String(level)
    const color = name in colors ? colors[name as keyof typeof colors] : 0
    const stack = errorText(err)
    const words = [
      paint(90, clockTime(time)),
      paint(color, name.toUpperCase().padEnd(5)),
      ...(typeof msg === 'string' && msg !== '' ? [plain(msg)] : []),
      ...Object.entries(facts).map(([key, value]) => paint(90, `${key}=`) + valueText(value)),
    ]
    return `${words.join(' ')}\n${stack === '' ? '' : `${stack}\n`}`
  }
}

function parseEntry(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function clockTime(time: unknown): string {
  const date = new Date(typeof time === 'string' || typeof time === 'number' ? time : Number.NaN)
  return Number.isNaN(date.getTime()) ? '--:--:--' : date.toTimeString().slice(0, 8)
}

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const cut = text.length > maxValueLength ? `${text.slice(0, maxValueLength)}…` : text
  return typeof value === 'string' && /[\s"=]|^$/.test(cut) ? JSON.stringify(cut) : plain(cut)
}

function errorText(error: unknown): string {
  if (error === undefined) return ''
  if (typeof error !== 'object' || error === null) return `  ${plain(String(error))}`
  const { stack, message } = error as { stack?: unknown; message?: unknown }
  const text = typeof stack === 'string' ? stack : typeof message === 'string' ? message : JSON.stringify(error)
  return text.split('\n').map(each => `  ${plain(each)}`).join('\n') // prettier-ignore
}

/** Senders choose some of the text: it must neither steer the terminal nor forge a line. */
function plain(text: string): string {
  return stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
}
