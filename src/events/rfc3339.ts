const shape = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/

/**
 * Whether a text is an RFC 3339 date-time (§5.6), calendar and leap seconds included: second 60 exists only as 23:59:60
 * UTC on the last day of a month (§5.7). Seconds and offset are required.
 */
export function isRfc3339(text: string): boolean {
  // A longer fraction than this is no timestamp but a way to keep a regular expression busy.
  if (text.length > 64 || !shape.test(text)) return false
  // The shape is fixed, so the numbers are at fixed places; groups of the expression would cost three times as much.
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2)
  const month = twoDigits(text, 5)
  const day = twoDigits(text, 8)
  const hour = twoDigits(text, 11)
  const minute = twoDigits(text, 14)
  const second = twoDigits(text, 17)
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return false
  if (hour > 23 || minute > 59 || second > 60) return false
  const sign = text[text.length - 6]
  const hasOffset = text.charCodeAt(text.length - 1) <= 0x39
  const offsetHour = hasOffset ? twoDigits(text, text.length - 5) : 0
  const offsetMinute = hasOffset ? twoDigits(text, text.length - 2) : 0
  if (offsetHour > 23 || offsetMinute > 59) return false
  const offsetMinutes = (sign === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute)
  return second < 60 || isLeapSecond(year, month, day, hour, minute, offsetMinutes)
}

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - 0x30) * 10 + text.charCodeAt(at + 1) - 0x30
}

function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

function isLeapSecond(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  offsetMinutes: number,
): boolean {
  const localMinute = hour * 60 + minute
  const utcMinute = localMinute - offsetMinutes
  if (((utcMinute % 1440) + 1440) % 1440 !== 23 * 60 + 59) return false
  if (utcMinute < 0) return day === 1
  if (utcMinute >= 1440) return day + 1 === daysOf(year, month)
  return day === daysOf(year, month)
}
