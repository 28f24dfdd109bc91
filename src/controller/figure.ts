/** A figure in a sentence: one decimal below 10, thousands separated above. Cheap, because every decision has some. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '?'
  if (value < 9.95) return value.toFixed(1)
  const digits = String(Math.round(Math.min(value, 1e15)))
  if (digits.length <= 3) return digits
  let text = digits.slice(-3)
  for (let end = digits.length - 3; end > 0; end -= 3) text = `${digits.slice(Math.max(0, end - 3), end)},${text}`
  return text
}

/** `12 s`, `0.5 s`. */
export function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}
