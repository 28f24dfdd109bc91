import { constants, PerformanceObserver, type NodeGCPerformanceDetail } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { RecyclePolicy } from '../functions/function-version.ts'

export interface WorkerLifeOptions {
  readonly recycle: RecyclePolicy
  /** Limit of the heap. */
  readonly memoryMiB: number
  readonly now: () => number
  /** Bytes of the heap that are in use now. */
  readonly usedBytes: () => number
}

/** Share of the limit by which a heap must have grown since the start: one that was full from the start stays so. */
const leastGrowth = 0.25

/**
 * How old the worker is: in calls, in time, and in what its heap holds after a full garbage collection, which only grows
 * where something leaks. Its successor is started before it goes, so that this is no gap.
 */
export class WorkerLife {
  readonly #options: WorkerLifeOptions
  readonly #bornAtMs: number
  #calls = 0
  readonly #firstBytes: number
  #keptBytes = 0

  constructor(options: WorkerLifeOptions) {
    this.#options = options
    this.#bornAtMs = options.now()
    this.#firstBytes = options.usedBytes()
  }

  /** Begins to look at the heap. */
  static start(recycle: RecyclePolicy, memoryMiB: number): WorkerLife {
    const now = performance.now.bind(performance)
    const life = new WorkerLife({ recycle, memoryMiB, now, usedBytes: () => getHeapStatistics().used_heap_size })
    const observer = new PerformanceObserver(list => {
      // The types know `detail` of marks alone.
      for (const entry of list.getEntries() as readonly { readonly detail?: NodeGCPerformanceDetail }[])
        if (entry.detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR) return life.collected()
    })
    observer.observe({ entryTypes: ['gc'] })
    return life
  }

  called(): void {
    this.#calls++
  }

  /** What is in use now has survived a full collection. */
  collected(): void {
    this.#keptBytes = this.#options.usedBytes()
  }

  /** Why the worker should be replaced; undefined while it is young enough. */
  get end(): string | undefined {
    const { recycle, memoryMiB, now } = this.#options
    const { maxCalls = Infinity, maxAgeMs = Infinity, maxHeapShare } = recycle
    const ageMs = now() - this.#bornAtMs
    if (this.#calls >= maxCalls) return `it has made ${this.#calls} calls`
    if (ageMs >= maxAgeMs) return `it is ${Math.round(ageMs / 1000)} s old`
    const keptMiB = this.#keptBytes / 2 ** 20
    const grownMiB = keptMiB - this.#firstBytes / 2 ** 20
    if (keptMiB < maxHeapShare * memoryMiB || grownMiB < leastGrowth * memoryMiB) return undefined
    return `its heap holds ${Math.round(keptMiB)} MiB of ${memoryMiB} MiB after a garbage collection`
  }
}
