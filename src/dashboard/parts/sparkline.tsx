/** The latest figures as a line, scaled to their largest. */
export function Sparkline({ points, label }: { readonly points: readonly number[]; readonly label: string }) {
  if (points.length < 2) return null
  const width = 100
  const height = 22
  const top = Math.max(...points, 1e-9)
  const step = width / (points.length - 1)
  const line = points.map(
    (value, index) => `${(index * step).toFixed(1)},${(height - 1 - (value / top) * (height - 3)).toFixed(1)}`,
  )
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <polygon points={`0,${height} ${line.join(' ')} ${width},${height}`} />
      <polyline points={line.join(' ')} />
    </svg>
  )
}
