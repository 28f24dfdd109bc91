/** 12345.6 → 12,345.6, whatever the locale. */
export function groupDigits(value: number): string {
  const [whole = '', fraction] = String(value).split('.')
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}

/** Three digits are what a person compares: 0.4 ms, 12.3 ms, 1.24 s, 2m 5s, 3h 4m, 2d 1h. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 999.5) return `${threeDigits(durationMs)} ms`
  if (durationMs < 59_950) return `${threeDigits(durationMs / 1000)} s`
  const seconds = Math.round(durationMs / 1000)
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}

/** 812 B, 12.3 kB, 1.24 MB: thousands, as upload limits and disks are told. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`
  if (bytes < 999_500) return `${threeDigits(bytes / 1e3)} kB`
  return bytes < 999_500_000 ? `${threeDigits(bytes / 1e6)} MB` : `${threeDigits(bytes / 1e9)} GB`
}

/** How long ago, for tables: 5s, 12m, 3h, 4d. */
export function formatAge(atMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - atMs) / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}

/** 0.0123 → 1.23 %. */
export const formatPercent = (share: number): string => `${threeDigits(share * 100)} %`

/** As many digits as say something: 0.123, 1.23, 12.3, 123, 1234. */
export function threeDigits(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))
}

/** `1 event`, `2 events`. */
export const countOf = (count: number, noun: string): string => `${groupDigits(count)} ${noun}${count === 1 ? '' : 's'}`
