const SEED = 0x9747b28c
const MULTIPLIER = 0x5bd1e995
const SHIFT = 24

/**
 * The 32-bit murmur2 of Apache Kafka's Java client (org.apache.kafka.common.utils.Utils#murmur2), as a signed integer.
 * It must agree bit by bit: it decides to which partition every producer in the world sends a key.
 */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes
  let hash = SEED ^ length
  const wholeWords = length & ~3
  for (let at = 0; at < wholeWords; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    word = Math.imul(word, MULTIPLIER)
    word ^= word >>> SHIFT
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER)
  }
  const rest = length & 3
  if (rest > 2) hash ^= bytes[wholeWords + 2]! << 16
  if (rest > 1) hash ^= bytes[wholeWords + 1]! << 8
  if (rest > 0) hash = Math.imul(hash ^ bytes[wholeWords]!, MULTIPLIER)
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER)
  return hash ^ (hash >>> 15)
}

/**
 * The partition of a key, as Kafka's default partitioner chooses it. An empty key is a key like any other.
 *
 * @param key null for a record without a key, whose partition `fallback` chooses (round robin, sticky, …).
 * @param count partitions of the stream, at least 1.
 */
export function partitionFor(key: Uint8Array | null, count: number, fallback: () => number): number {
  if (key === null) return fallback()
  return (murmur2(key) & 0x7fffffff) % count
}
