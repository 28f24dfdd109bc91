import type { Claim, Machine } from './fair-shares.ts'
import { figure } from './figure.ts'

/** How many machines such as this one the load would fill. */
export interface WantedNodes {
  /** Not rounded: 0.4 is a node that is mostly idle, 2.3 asks for three. */
  readonly nodes: number
  readonly reason: string
}

/** Nodes are planned to be this full, as workers are: a burst finds some room while another one starts. */
const targetUtilisation = 0.8

/**
 * What the load of all versions takes, in machines: of cores or of memory, whichever is scarcer. Pure. Zero only when
 * nothing wants anything and nothing is kept warm.
 */
export function wantedNodes(claims: readonly Claim[], { cores, memoryMiB }: Machine): WantedNodes {
  const sumOf = (part: (claim: Claim) => number): number => claims.reduce((sum, claim) => sum + part(claim), 0)
  const busyCores = sumOf(claim => claim.cores)
  const heapMiB = sumOf(claim => claim.workers * claim.memoryMiBPerWorker)
  const forCores = busyCores / (cores * targetUtilisation)
  const forMemory = heapMiB / memoryMiB
  const room = `${targetUtilisation * 100} % of ${cores} cores`
  return forCores >= forMemory
    ? { nodes: forCores, reason: `the load takes ${figure(busyCores)} cores, of ${room} on each node` }
    : {
        nodes: forMemory,
        reason: `the workers take ${figure(heapMiB)} MiB of heap, of ${figure(memoryMiB)} MiB on each node`,
      }
}
