/** How figures are written everywhere. A figure that is not known is a dash, which never means zero. */
export const unknown = '–'

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

/** 1,234; from a million on 1.2M. */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined) return unknown
  return Math.abs(value) >= 1_000_000 ? short.format(value) : whole.format(value)
}

/** Per second, with as many digits as it deserves. */
export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined) return unknown
  if (value === 0) return '0/s'
  if (value < 0.05) return '<0.1/s'
  return value < 10 ? `${value.toFixed(1)}/s` : `${count(Math.round(value))}/s`
}

/** 0.4 ms, 12 ms, 1.2 s, 3 min 20 s, 2 h 5 min, 3 d 4 h. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return unknown
  if (ms < 0) return `-${duration(-ms)}`
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(1))} s`
  const pair = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
    small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 3_600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's')
  const minutes = Math.round(seconds / 60)
  if (minutes < 1_440) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
  const hours = Math.round(minutes / 60)
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return unknown
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let size = value
  let unit = 0
  while (size >= 1_024 && unit < units.length - 1) {
    size /= 1_024
    unit++
  }
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`
}

export const percent = (share: number | null | undefined): string =>
  share === null || share === undefined ? unknown : `${Number((share * 100).toFixed(share < 0.1 ? 1 : 0))} %`

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })

/** The time of day, whatever the day. */
export const clockTime = (atMs: number): string => clock.format(atMs)

/** The time of day; with the day when it is another than today. */
export function time(atMs: number | null | undefined, nowMs = Date.now()): string {
  if (atMs === null || atMs === undefined) return unknown
  const isToday = new Date(atMs).toDateString() === new Date(nowMs).toDateString()
  return isToday ? clock.format(atMs) : `${day.format(atMs)}, ${clock.format(atMs)}`
}

/** The time with ms, for what happens close together. */
export const exactTime = (atMs: number): string => `${time(atMs)}.${String(atMs % 1_000).padStart(3, '0')}`

/** 3 min 20 s ago. */
export const ago = (atMs: number, nowMs = Date.now()): string => `${duration(Math.max(0, nowMs - atMs))} ago`

export const plural = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? '' : 's'}`
