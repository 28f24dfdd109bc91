/** What the choice looks at of a version that may run an event. */
export interface WeightedTarget {
  /** Share of the keys in percent, above 0. */
  readonly weight: number
  readonly engine: { readonly seed: number }
}

/** Tells versions apart in the choice: the same on every node and after every restart. */
export function versionSeed(name: string, version: string): number {
  return mix(hashKey(`${name}@${version}`))
}

/**
 * A hash of an ordering key for {@link chooseVersion}. FNV-1a over the characters: of another make than the murmur2 that
 * chose the partition, so that the keys of one partition are split as all keys are.
 */
export function hashKey(key: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return hash
}

/** What stands in for the key of an event without one: a redelivery has the same place. */
export function hashPosition(partition: number, offset: number): number {
  return mix(mix(offset | 0) ^ Math.floor(offset / 2 ** 32) ^ Math.imul(partition, 0x9e3779b1))
}

/**
 * Chooses a version for a key by weighted rendezvous hashing: each version draws a number from key and version, scaled by
 * its weight, and the best one wins. Depends on nothing else, so that every node and every redelivery agrees.
 *
 * When weights change, a key moves only from a version whose share shrank, or to one whose share grew. With two versions,
 * and when a share is taken from all others in proportion, exactly the difference moves: half the L1 distance `d` of the
 * shares. In general it is at most `2d / (1 + d)`: no choice that does not know the weights before can do better for
 * every change of three and more.
 * @param hash of {@link hashKey} or {@link hashPosition}.
 * @param targets at least one.
 */
export function chooseVersion<T extends WeightedTarget>(targets: readonly T[], hash: number): T {
  let chosen = targets[0] as T
  if (targets.length === 1) return chosen
  let best = Infinity
  for (let index = 0; index < targets.length; index++) {
    const target = targets[index] as T
    if (target.weight <= 0) continue
    // An exponentially distributed number with the weight as its rate: the least one falls to each version by its share.
    const drawn = -Math.log(((mix(hash ^ target.engine.seed) >>> 0) + 0.5) / 2 ** 32) / target.weight
    if (drawn >= best) continue
    best = drawn
    chosen = target
  }
  return chosen
}

/** Whether a key belongs to a sample of `percent` of all keys; says nothing about the version that the key chooses. */
export function isInSample(hash: number, percent: number): boolean {
  return (mix(hash ^ 0x68e31da4) >>> 0) / 2 ** 32 < percent / 100
}

/** Spreads every bit of the input over all bits of the output. */
function mix(value: number): number {
  let mixed = value ^ (value >>> 16)
  mixed = Math.imul(mixed, 0x21f0aaad)
  mixed ^= mixed >>> 15
  mixed = Math.imul(mixed, 0xd35a2d97)
  return mixed ^ (mixed >>> 15)
}
