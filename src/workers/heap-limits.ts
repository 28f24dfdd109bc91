import type { ResourceLimits } from 'node:worker_threads'

/** V8's own bound: three semi-spaces of 16 MiB. */
const mostYoungMiB = 48

/**
 * The limits of a thread that runs code of users. The young generation comes on top of `memoryMiB`, with at most an eighth
 * of it, or 3 MiB: V8 would let it grow to 48 MiB in each thread, of which a function that lives on 7 MiB keeps nothing but garbage.
 * It consists of three semi-spaces, each of a power of two of MiB; V8 rounds up.
 */
export function heapLimits(memoryMiB: number): ResourceLimits {
  const semiSpaceMiB = Math.max(1, 2 ** Math.floor(Math.log2(memoryMiB / 24)))
  return { maxOldGenerationSizeMb: memoryMiB, maxYoungGenerationSizeMb: Math.min(3 * semiSpaceMiB, mostYoungMiB) }
}
