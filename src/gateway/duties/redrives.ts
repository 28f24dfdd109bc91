import { setTimeout as wait } from 'node:timers/promises'
import type { RedriveJob, RedriveProgress, RedriveSpec } from '../../store/dead-letters.ts'
import type { HomeStore } from '../../store/home-store.ts'
import type { RunningTrigger } from '../fleet/trigger-fleet.ts'
import type { Duty } from './duties.ts'
import { RedrivePace } from './redrive-pace.ts'

export interface RedrivesOptions {
  readonly store: HomeStore
  /** A trigger by its uid; undefined while it does not run. */
  readonly triggerOf: (uid: string) => RunningTrigger | undefined
  /** A step failed; it is tried again. */
  readonly onError: (error: unknown) => void
  readonly now?: () => number
}

/** Letters of one redrive that are under way at a time: what is in memory of it. */
const maxInFlight = 256
/** Between two steps: often enough for some thousands a second, and seldom enough for a disk. */
const stepMs = 50
/** A slow redrive is looked at so often all the same: it may have ended. */
const longestStepMs = 1_000
const retryMs = 1_000
/** Without a rate: more than any trigger takes. */
const fastestPerS = 1_000_000

/**
 * Carries out redrives, each step by step; what they are stands in the store, so that a restart goes on with them. A step puts
 * letters into the parked events and tells the trigger of all that are under way. A trigger that does not run, or was told
 * before it was made anew, finds them there.
 */
export class Redrives implements Duty {
  readonly #options: RedrivesOptions
  readonly #now: () => number
  readonly #stopped = new AbortController()
  readonly #running = new Set<number>()

  constructor(options: RedrivesOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /** Goes on with what an earlier run has begun. */
  start(): void {
    void this.#resume()
  }

  stop(): void {
    this.#stopped.abort()
  }

  /** Resolves when the redrive is durable: from then on it comes to its end, also after a crash. */
  async begin(spec: RedriveSpec): Promise<RedriveJob> {
    const job = await this.#options.store.startRedrive(spec, this.#now())
    void this.#run(job)
    return job
  }

  async #resume(): Promise<void> {
    while (!this.#isStopped) {
      try {
        for (const { inFlight, ...job } of await this.#options.store.redrives())
          if (job.state === 'running' || inFlight > 0) void this.#run(job)
        return
      } catch (error) {
        await this.#failed(error)
      }
    }
  }

  async #run({ id, trigger: uid, version, ratePerS = fastestPerS, redriven }: RedriveJob): Promise<void> {
    if (this.#running.has(id)) return
    this.#running.add(id)
    const pace = new RedrivePace(ratePerS, this.#now())
    let taken = redriven
    while (!this.#isStopped) {
      try {
        const progress = await this.#step(id, uid, pace.limitAt(this.#now()))
        if (progress === undefined || isOver(progress)) break
        pace.took(progress.job.redriven - taken)
        taken = progress.job.redriven
        await this.#pause(progress.isSearching ? 0 : Math.min(Math.max(stepMs, pace.waitMs), longestStepMs))
      } catch (error) {
        await this.#failed(error)
      }
    }
    this.#running.delete(id)
    if (version !== undefined && !this.#isStopped) this.#options.triggerOf(uid)?.routes.release(version)
  }

  async #step(id: number, uid: string, limit: number): Promise<RedriveProgress | undefined> {
    const { store, triggerOf } = this.#options
    const step = { limit: Math.min(limit, maxInFlight), maxInFlight, nowMs: this.#now() }
    const progress = await store.advanceRedrive(id, step)
    if (progress !== undefined) triggerOf(uid)?.dispatch.redrive(progress.inFlight)
    return progress
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#isStopped) return
    this.#options.onError(error)
    await this.#pause(retryMs)
  }

  async #pause(delayMs: number): Promise<void> {
    await wait(delayMs, undefined, { signal: this.#stopped.signal, ref: false }).catch(() => undefined)
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted
  }
}

/** Nothing more is taken, and nothing is under way. */
const isOver = ({ job, inFlight }: RedriveProgress): boolean => job.state !== 'running' && inFlight.length === 0
