import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkWarmMinimum, fairShares, shareOfCores, type Claim } from '../../src/controller/fair-shares.ts'

const machine = { cores: 2, memoryMiB: 4_096 }
const claim: Claim = {
  workers: 2,
  cores: 2,
  coresPerWorker: 1,
  memoryMiBPerWorker: 128,
  weight: 1,
  minWorkers: 0,
  maxWorkers: 8,
}
const waiting: Claim = { ...claim, workers: 6, cores: 0.2, coresPerWorker: 0.1 }

const workersOf = (claims: readonly Claim[], on = machine): (number | undefined)[] =>
  fairShares(claims, on).map(limit => limit?.workers)

describe('fairShares', () => {
  it('limits nobody while there is enough', () => {
    expect(workersOf([waiting, waiting, { ...claim, workers: 1, cores: 1 }])).toEqual([undefined, undefined, undefined])
  })

  it('limits nobody who is alone, however much it wants', () => {
    expect(
      workersOf([
        { ...claim, workers: 8, cores: 8 },
        { ...claim, workers: 0, cores: 0 },
      ]),
    ).toEqual([undefined, undefined])
  })

  it('gives what one does not need to the others', () => {
    // One that computes beside two that wait: it has the 1.6 cores that they leave.
    expect(workersOf([claim, waiting, waiting])).toEqual([2, undefined, undefined])
  })

  it('gives those that compute equal numbers of threads, and says why', () => {
    expect(fairShares([claim, claim, claim], machine)).toEqual(
      Array(3).fill({ workers: 1, why: 'its share of 2 cores beside 2 others' }),
    )
  })

  it('makes threads stand for weights, also where that takes more of them than cores', () => {
    expect(workersOf([{ ...claim, weight: 3 }, claim])).toEqual([3, 1])
    expect(workersOf([{ ...claim, weight: 1.5 }, claim])).toEqual([3, 2])
  })

  it('gives workers that mostly wait enough threads to use their share', () => {
    const chatty = { ...claim, workers: 30, cores: 3, coresPerWorker: 0.2, maxWorkers: 32 }
    expect(workersOf([claim, chatty])).toEqual([1, 5])
  })

  it('gives memory to whoever has least for its weight', () => {
    const small = { ...waiting, workers: 20, maxWorkers: 32 }
    expect(workersOf([small, small], { cores: 2, memoryMiB: 1_280 })).toEqual([5, 5])
    expect(workersOf([{ ...small, weight: 3 }, small], { cores: 2, memoryMiB: 1_024 })).toEqual([6, 2])
    expect(workersOf([{ ...small, memoryMiBPerWorker: 512 }, small], { cores: 2, memoryMiB: 2_048 })).toEqual([2, 8])
  })

  it('gives everyone who wants anything one worker and its warm minimum, even beyond the memory', () => {
    const claims = [{ ...waiting, minWorkers: 3 }, waiting, waiting, { ...waiting, workers: 0 }]
    expect(workersOf(claims, { cores: 2, memoryMiB: 128 })).toEqual([3, 1, 1, undefined])
  })

  const anyClaim = fc.record({
    workers: fc.nat(64),
    cores: fc.double({ min: 0, max: 64, noNaN: true }),
    coresPerWorker: fc.double({ min: 0.01, max: 1, noNaN: true }),
    memoryMiBPerWorker: fc.integer({ min: 16, max: 1_024 }),
    weight: fc.double({ min: 0.01, max: 100, noNaN: true }),
    minWorkers: fc.nat(4),
    maxWorkers: fc.integer({ min: 4, max: 64 }),
  })

  it('starves nobody, and stays within the memory beyond what is guaranteed', () => {
    fc.assert(
      fc.property(fc.array(anyClaim, { maxLength: 8 }), fc.integer({ min: 64, max: 16_384 }), (claims, memoryMiB) => {
        const limits = fairShares(claims, { cores: 4, memoryMiB })
        let used = 0
        let guaranteed = 0
        for (const [index, { workers, minWorkers, maxWorkers, memoryMiBPerWorker }] of claims.entries()) {
          const limit = limits[index]
          if (limit !== undefined) {
            expect(limit.workers).toBeGreaterThanOrEqual(Math.max(1, minWorkers))
            expect(limit.workers).toBeLessThanOrEqual(Math.max(maxWorkers, minWorkers))
          }
          const wanted = Math.max(
            minWorkers,
            limit === undefined ? Math.min(workers, maxWorkers) : workers > 0 ? limit.workers : 0,
          )
          used += wanted * memoryMiBPerWorker
          guaranteed += Math.max(minWorkers, workers > 0 ? 1 : 0) * memoryMiBPerWorker
        }
        expect(used).toBeLessThanOrEqual(Math.max(memoryMiB, guaranteed))
      }),
    )
  })

  it('shares cores by weight: no one has less than its part unless it wants less', () => {
    const demands = fc.array(
      fc.record({
        cores: fc.double({ min: 0, max: 8, noNaN: true }),
        weight: fc.double({ min: 0.01, max: 100, noNaN: true }),
      }),
      { minLength: 1, maxLength: 8 },
    )
    fc.assert(
      fc.property(demands, claims => {
        const shares = shareOfCores(claims, 4)
        const weights = claims.reduce((sum, { weight }) => sum + weight, 0)
        const demand = claims.reduce((sum, { cores }) => sum + cores, 0)
        for (const [index, { cores, weight }] of claims.entries()) {
          expect(shares[index]).toBeLessThanOrEqual(cores + 1e-9)
          expect(shares[index]).toBeGreaterThanOrEqual(Math.min(cores, (4 * weight) / weights) - 1e-9)
        }
        const sum = shares.reduce((total, share) => total + share, 0)
        expect(sum).toBeCloseTo(Math.min(4, demand), 6)
      }),
    )
  })
})

describe('checkWarmMinimum', () => {
  it('tells which functions ask for more memory than there is', () => {
    const named = [
      { name: 'enrich', minWorkers: 4, memoryMiBPerWorker: 1_024 },
      { name: 'thumbnail', minWorkers: 1, memoryMiBPerWorker: 256 },
      { name: 'cold', minWorkers: 0, memoryMiBPerWorker: 8_192 },
    ]
    expect(checkWarmMinimum(named, machine)).toBe(
      'the warm minimum takes 4,352 MiB of heap, and the workers of this machine may take 4,096 MiB (enrich: 4 × 1024 MiB, thumbnail: 1 × 256 MiB); lower minWorkers or memoryMiB',
    )
    expect(checkWarmMinimum(named.slice(1), machine)).toBeUndefined()
  })
})
