import { figure } from './figure.ts'
import type { Limit } from './scaling-sample.ts'

/** What is there to be shared. */
export interface Machine {
  readonly cores: number
  /** For the heaps of all workers together. */
  readonly memoryMiB: number
}

/** What one version would have if it were alone. */
export interface Claim {
  /** Workers it wants; 0 wants nothing. */
  readonly workers: number
  /** CPU that its load takes, in cores. */
  readonly cores: number
  /** Cores that one of its workers can keep busy, above 0 to 1. */
  readonly coresPerWorker: number
  readonly memoryMiBPerWorker: number
  /** Above 0. */
  readonly weight: number
  /** Warm minimum: given before anything is shared. */
  readonly minWorkers: number
  readonly maxWorkers: number
}

/** Threads beyond the cores that are accepted to bring the shares near their weights. */
const mostThreadsPerCore = 3

/**
 * The most workers of each version; undefined where it may have what it wants. Pure.
 *
 * CPU: by weights, and what one does not need goes to the others (weighted max-min). Threads that compute get equal time
 * from the operating system, so shares among the squeezed are numbers of threads. Memory: workers are given one by one to
 * whoever has least for its weight, until the next does not fit. Whoever wants anything gets one worker, and its warm
 * minimum, even where memory is short: none starves.
 */
export function fairShares(claims: readonly Claim[], machine: Machine): readonly (Limit | undefined)[] {
  const limits = shareCores(claims, machine.cores)
  return shareMemory(claims, limits, machine.memoryMiB)
}

/** What is wrong with the warm minimum of all versions together; undefined when the machine can bear it. */
export function checkWarmMinimum(
  claims: readonly (Pick<Claim, 'minWorkers' | 'memoryMiBPerWorker'> & { readonly name: string })[],
  machine: Machine,
): string | undefined {
  const memoryOf = ({ minWorkers, memoryMiBPerWorker }: (typeof claims)[number]): number =>
    minWorkers * memoryMiBPerWorker
  const sum = claims.reduce((total, claim) => total + memoryOf(claim), 0)
  if (sum <= machine.memoryMiB) return undefined
  const parts = claims
    .filter(({ minWorkers }) => minWorkers > 0)
    .sort((a, b) => memoryOf(b) - memoryOf(a))
    .map(({ name, minWorkers, memoryMiBPerWorker }) => `${name}: ${minWorkers} × ${memoryMiBPerWorker} MiB`)
  const shown = parts.length <= 5 ? parts : [...parts.slice(0, 5), `and ${parts.length - 5} more`]
  return `the warm minimum takes ${figure(sum)} MiB of heap, and the workers of this machine may take ${figure(machine.memoryMiB)} MiB (${shown.join(', ')}); lower minWorkers or memoryMiB`
}

/** Cores by weighted max-min: the part that each gets. */
export function shareOfCores(
  claims: readonly { readonly cores: number; readonly weight: number }[],
  cores: number,
): number[] {
  const shares = claims.map(() => 0)
  let open = claims.map((_, index) => index).filter(index => (claims[index]?.cores ?? 0) > 0)
  let left = cores
  while (open.length > 0 && left > 1e-9) {
    const weights = open.reduce((sum, index) => sum + (claims[index]?.weight ?? 0), 0)
    const perWeight = left / weights
    const satisfied = open.filter(index => {
      const { cores: demand = 0, weight = 1 } = claims[index] ?? {}
      return demand <= weight * perWeight + 1e-12
    })
    for (const index of satisfied.length > 0 ? satisfied : open) {
      const { cores: demand = 0, weight = 1 } = claims[index] ?? {}
      shares[index] = satisfied.length > 0 ? demand : weight * perWeight
      left -= shares[index] ?? 0
    }
    if (satisfied.length === 0) return shares
    open = open.filter(index => !satisfied.includes(index))
  }
  return shares
}

function shareCores(claims: readonly Claim[], cores: number): (Limit | undefined)[] {
  const wanting = claims.filter(({ workers }) => workers > 0)
  // No version can take more than its workers can.
  const demands = claims.map(claim => ({
    weight: claim.weight,
    cores: claim.workers > 0 ? Math.min(claim.cores, claim.maxWorkers * claim.coresPerWorker, cores) : 0,
  }))
  const none = claims.map(() => undefined)
  if (wanting.length < 2 || demands.reduce((sum, demand) => sum + demand.cores, 0) <= cores) return none
  const shares = shareOfCores(demands, cores)
  const squeezed = claims.map((_, index) => (shares[index] ?? 0) < (demands[index]?.cores ?? 0) - 1e-9)
  const parts = shares.filter((_, index) => squeezed[index])
  if (parts.length === 0) return none
  const perThread = threadPart(parts, cores)
  const why = `its share of ${figureOf(cores)} cores beside ${wanting.length - 1} other${wanting.length === 2 ? '' : 's'}`
  return claims.map((claim, index) => {
    const share = shares[index] ?? 0
    if (!squeezed[index]) return undefined
    // Workers that mostly wait need more threads to use the same time.
    const threads = Math.max(Math.round(share / perThread), Math.ceil(share / claim.coresPerWorker - 1e-9))
    return { workers: Math.max(1, claim.minWorkers, Math.min(threads, claim.maxWorkers)), why }
  })
}

/**
 * The part of a core that one thread stands for, so that whole numbers of threads come nearest to the shares without
 * more threads than are worth it.
 */
function threadPart(parts: readonly number[], cores: number): number {
  const coarsest = Math.min(1, ...parts)
  let best = coarsest
  let bestError = Infinity
  for (let finer = 1; finer <= 6; finer++) {
    const part = coarsest / finer
    const threads = parts.map(share => Math.max(1, Math.round(share / part)))
    const sum = threads.reduce((total, count) => total + count, 0)
    if (finer > 1 && sum > Math.max(mostThreadsPerCore * cores, parts.length * 2)) break
    const whole = parts.reduce((total, share) => total + share, 0)
    const error = Math.max(...parts.map((share, index) => Math.abs((whole * (threads[index] ?? 1)) / sum / share - 1)))
    // More threads cost memory: only for a share that is clearly nearer.
    if (error < bestError - 0.05) [best, bestError] = [part, error]
  }
  return best
}

function shareMemory(
  claims: readonly Claim[],
  limits: readonly (Limit | undefined)[],
  memoryMiB: number,
): readonly (Limit | undefined)[] {
  const wanted = claims.map(({ workers, minWorkers, maxWorkers }, index) => {
    const limit = limits[index]
    const alone = Math.min(workers, maxWorkers)
    return Math.max(minWorkers, limit === undefined ? alone : workers > 0 ? limit.workers : 0)
  })
  const memoryOf = (counts: readonly number[]): number =>
    counts.reduce((sum, count, index) => sum + count * (claims[index]?.memoryMiBPerWorker ?? 0), 0)
  if (memoryOf(wanted) <= memoryMiB) return limits
  const given = claims.map(({ workers, minWorkers }) => Math.max(minWorkers, workers > 0 ? 1 : 0))
  let left = memoryMiB - memoryOf(given)
  const open = new Set([...claims.keys()].filter(index => (given[index] ?? 0) < (wanted[index] ?? 0)))
  while (open.size > 0) {
    const poorest = [...open].reduce((a, b) => (richness(claims, given, a) <= richness(claims, given, b) ? a : b))
    const memory = claims[poorest]?.memoryMiBPerWorker ?? 0
    if (memory > left) open.delete(poorest)
    else {
      given[poorest] = (given[poorest] ?? 0) + 1
      left -= memory
      if ((given[poorest] ?? 0) >= (wanted[poorest] ?? 0)) open.delete(poorest)
    }
  }
  return claims.map((_, index) => {
    const workers = given[index] ?? 0
    if (workers >= (wanted[index] ?? 0)) return limits[index]
    return { workers: Math.max(1, workers), why: `its share of ${figure(memoryMiB)} MiB for workers` }
  })
}

/** Memory that a version would have with one worker more, for its weight. */
function richness(claims: readonly Claim[], given: readonly number[], index: number): number {
  const claim = claims[index]
  return claim === undefined ? Infinity : (((given[index] ?? 0) + 1) * claim.memoryMiBPerWorker) / claim.weight
}

function figureOf(value: number): string {
  return Number.isInteger(value) ? String(value) : figure(value)
}
