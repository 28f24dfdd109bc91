import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  chooseVersion,
  hashKey,
  hashPosition,
  isInSample,
  versionSeed,
  type WeightedTarget,
} from '../../src/dispatch/version-choice.ts'
import { partitionFor } from '../../src/log/partitioner.ts'

const keyCount = 100_000
/** Six standard deviations of a share of one half; the keys are always the same, so no run is unluckier than another. */
const tolerance = 0.01

const families: Readonly<Record<string, (index: number) => string>> = {
  'numbered devices': index => `device-${index}`,
  'bare numbers': index => String(index),
  'hexadecimal ids': index => (index * 2654435761).toString(16).padStart(12, '0'),
  'long paths': index => `plant/hall-${index % 7}/line-${index % 31}/machine/${index}/temperature`,
}
const hashes = Array.from({ length: keyCount }, (_, index) => hashKey(`device-${index}`))

interface Target extends WeightedTarget {
  readonly name: string
}

/** Version 1, 2, … with these weights; those of weight 0 are left out, as routes do. */
function targetsOf(weights: readonly number[]): Target[] {
  return weights
    .map((weight, index) => ({
      name: String(index + 1),
      weight,
      engine: { seed: versionSeed('price', String(index + 1)) },
    }))
    .filter(({ weight }) => weight > 0)
}

/** Shares in percent of `n` versions, which add up to 100. */
const weightsOf = (n: number): fc.Arbitrary<number[]> =>
  fc
    .array(fc.integer({ min: 0, max: 10_000 }), { minLength: n, maxLength: n })
    .filter(parts => parts.some(part => part > 0))
    .map(parts => {
      const sum = parts.reduce((a, b) => a + b, 0)
      return parts.map(part => (part * 100) / sum)
    })

const halfL1 = (before: readonly number[], after: readonly number[]): number =>
  before.reduce((sum, weight, index) => sum + Math.abs(weight - (after[index] ?? 0)), 0) / 200

function movedShare(before: readonly number[], after: readonly number[]): number {
  const old = targetsOf(before)
  const fresh = targetsOf(after)
  let moved = 0
  for (const hash of hashes) if (chooseVersion(old, hash).name !== chooseVersion(fresh, hash).name) moved++
  return moved / keyCount
}

describe('the choice of a version', () => {
  it('is the same everywhere and at any time, and goes by key and version alone', () => {
    // These are kept by every other node and every release: a change of the hash moves all keys of all users.
    const targets = targetsOf([60, 30, 10])
    const chosen = ['a', 'device-17', 'ключ', ''].map(key => chooseVersion(targets, hashKey(key)).name)
    expect(chosen).toEqual(['1', '3', '1', '1'])
    for (const key of ['a', 'device-17', 'ключ', ''])
      expect(chooseVersion(targets.toReversed(), hashKey(key)).name).toBe(chooseVersion(targets, hashKey(key)).name)
  })

  it.each(Object.entries(families))('is within 1 % of the weights over 100,000 keys: %s', (_name, keyOf) => {
    const familyHashes = Array.from({ length: keyCount }, (_, index) => hashKey(keyOf(index)))
    for (const weights of [
      [50, 50],
      [90, 10],
      [99, 1],
      [100 / 3, 100 / 3, 100 / 3],
      [60, 25, 10, 5],
    ]) {
      const counts = new Map<string, number>()
      const targets = targetsOf(weights)
      for (const hash of familyHashes) {
        const { name } = chooseVersion(targets, hash)
        counts.set(name, (counts.get(name) ?? 0) + 1)
      }
      for (const [index, weight] of weights.entries())
        expect(Math.abs((counts.get(String(index + 1)) ?? 0) / keyCount - weight / 100)).toBeLessThan(tolerance)
    }
  })

  it('is within 1 % of any weights, and gives nothing to a weight of 0', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 5 }).chain(weightsOf), weights => {
        const counts = weights.map(() => 0)
        const targets = weights.map((weight, index) => ({
          index,
          weight,
          engine: { seed: versionSeed('price', String(index + 1)) },
        }))
        for (const hash of hashes) counts[chooseVersion(targets, hash).index]!++
        for (const [index, weight] of weights.entries()) {
          expect(Math.abs(counts[index]! / keyCount - weight / 100)).toBeLessThan(tolerance)
          if (weight === 0) expect(counts[index]).toBe(0)
        }
      }),
      { numRuns: 15 },
    )
  })

  it('moves half the L1 distance of the weights between two versions, and no key more', () => {
    fc.assert(
      fc.property(weightsOf(2), weightsOf(2), (before, after) => {
        expect(Math.abs(movedShare(before, after) - halfL1(before, after))).toBeLessThan(tolerance)
      }),
      { numRuns: 15 },
    )
  })

  it('moves half the L1 distance when one version takes from all others in proportion, as a rollout does', () => {
    fc.assert(
      fc.property(weightsOf(3), fc.integer({ min: 1, max: 100 }), (others, taken) => {
        const before = [...others, 0]
        const after = [...others.map(weight => (weight * (100 - taken)) / 100), taken]
        expect(Math.abs(movedShare(before, after) - taken / 100)).toBeLessThan(tolerance)
      }),
      { numRuns: 15 },
    )
  })

  it('moves at most 2d / (1 + d) for any change of any weights, and only where the proportions changed that way', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 5 }).chain(n => fc.tuple(weightsOf(n), weightsOf(n))),
        ([before, after]) => {
          const distance = halfL1(before, after)
          const moved = movedShare(before, after)
          expect(moved).toBeGreaterThan(distance - tolerance)
          expect(moved).toBeLessThan((2 * distance) / (1 + distance) + tolerance)
          const old = targetsOf(before)
          const fresh = targetsOf(after)
          let against = 0
          for (const hash of hashes) {
            const from = Number(chooseVersion(old, hash).name) - 1
            const to = Number(chooseVersion(fresh, hash).name) - 1
            // Exact, for each key: it goes to a version that gained on the one that it leaves.
            if (from !== to && after[to]! * before[from]! <= after[from]! * before[to]!) against++
          }
          expect(against).toBe(0)
        },
      ),
      { numRuns: 10 },
    )
  })

  it('does not follow from the partition of a key', () => {
    const partitions = 16
    const targets = targetsOf([50, 50])
    const first = Array.from({ length: partitions }, () => 0)
    const all = Array.from({ length: partitions }, () => 0)
    for (const [index, hash] of hashes.entries()) {
      const partition = partitionFor(Buffer.from(`device-${index}`), partitions, () => 0)
      all[partition]!++
      if (chooseVersion(targets, hash).name === '1') first[partition]!++
    }
    // 6,250 keys each: 4 % are six standard deviations.
    for (const [partition, count] of all.entries()) expect(Math.abs(first[partition]! / count - 0.5)).toBeLessThan(0.04)
  })

  it('splits events without a key by their place, evenly in every partition', () => {
    const targets = targetsOf([80, 20])
    for (const partition of [0, 1, 7]) {
      let second = 0
      for (let offset = 0; offset < keyCount; offset++)
        if (chooseVersion(targets, hashPosition(partition, offset)).name === '2') second++
      expect(Math.abs(second / keyCount - 0.2)).toBeLessThan(tolerance)
    }
    expect(hashPosition(0, 5)).not.toBe(hashPosition(0, 5 + 2 ** 32))
  })
})

describe('a sample', () => {
  it('has its share of the keys, whatever version they choose', () => {
    const targets = targetsOf([50, 50])
    const sampled = hashes.filter(hash => isInSample(hash, 10))
    expect(Math.abs(sampled.length / keyCount - 0.1)).toBeLessThan(tolerance)
    const first = sampled.filter(hash => chooseVersion(targets, hash).name === '1').length
    // Of some 10,000 keys: 3 % are six standard deviations.
    expect(Math.abs(first / sampled.length - 0.5)).toBeLessThan(0.03)
    expect(hashes.every(hash => isInSample(hash, 100))).toBe(true)
  })
})
