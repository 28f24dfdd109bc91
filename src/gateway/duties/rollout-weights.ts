import type { WeightedVersion } from '../../registry/registry-records.ts'

/**
 * Weights of an alias while `percent` of it has moved to version `to`: what is left is shared as before. In hundredths, so
 * that they add up to 100 exactly. Pure.
 */
export function weightsAt(from: readonly WeightedVersion[], to: number, percent: number): WeightedVersion[] {
  const others = from.filter(({ version, weight }) => version !== to && weight > 0)
  const total = others.reduce((sum, { weight }) => sum + weight, 0)
  const moved = others.length === 0 ? 10_000 : Math.round(percent * 100)
  let left = 10_000 - moved
  const shares: WeightedVersion[] = []
  for (const [index, { version, weight }] of others.entries()) {
    const share = index === others.length - 1 ? left : Math.round(((10_000 - moved) * weight) / total)
    left -= share
    if (share > 0) shares.push({ version, weight: share / 100 })
  }
  return moved === 0 ? shares : [...shares, { version: to, weight: moved / 100 }]
}
