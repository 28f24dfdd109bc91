import { setTimeout as wait } from 'node:timers/promises'
import { messageOf } from '../errors/sluice-error.ts'
import type { Suspect } from '../store/home-store.ts'
import type { KeptPlace } from '../store/kept-place.ts'
import type { InvocationOutcome } from '../workers/invocation.ts'
import type { Delivery, FailedAttempt } from './delivery.ts'
import type { TriggerOptions } from './trigger-options.ts'

/**
 * So often may an event end the host of its worker before it is a dead letter, whatever `maxAttempts` says: once may be
 * chance, such as a machine that ran out of memory; and each time costs all that ran beside it.
 */
export const maxHostCrashes = 2

/**
 * An event that has ended the process runs again only when the process has done other work for a while. If it does it
 * again, the others got on meanwhile; and one that was only there when somebody else ended the process, again and again, is
 * not there the next time.
 */
const defaultQuarantineMs = 5_000

/** Suspects of one trigger that run at a time, each alone in its worker: the others have to get on. */
const aloneAtOnce = 4

type HostCrashesOptions = Pick<TriggerOptions, 'uid' | 'log' | 'store' | 'now' | 'quarantineMs' | 'gate'>

interface Known {
  crashes: number
  /** The process ended: nothing else at all may run beside it. Otherwise it is enough to be alone in a worker. */
  isExclusive: boolean
  readonly attempt: number
  readonly failures: readonly FailedAttempt[]
}

/**
 * Events of one trigger that may have ended the host of their worker, a thread or the whole process. They run alone, so
 * that the next end tells; the count of an event is durable, and so is, before it begins, that it runs alone.
 *
 *   (unknown) ──a worker or the process ended with it and others──▶ suspect ──runs alone──▶ came to an end: (unknown)
 *                                                                      ▲         └── ended its host: counted ──┐
 *                                                                      └─────────────── first time ◀───────────┴──▶ dead letter
 */
export class HostCrashes {
  readonly #options: HostCrashesOptions
  readonly #onBlocked: (problem: string | undefined) => void
  readonly #known = new Map<string, Known>()
  readonly #stopped = new AbortController()
  readonly #releases = new Map<Delivery, () => void>()
  #alone = 0
  #quarantineUntilMs = 0

  /** @param onBlocked the store does not take what has to be noted (message), or takes it again. */
  constructor(options: HostCrashesOptions, onBlocked: (problem: string | undefined) => void) {
    this.#options = options
    this.#onBlocked = onBlocked
  }

  /** Finds what an earlier process knew; before the first record is read. */
  async load(): Promise<void> {
    const { store, uid, log, now, quarantineMs = defaultQuarantineMs } = this.#options
    this.#quarantineUntilMs = performance.now() + quarantineMs
    for (const { partition, offset, crashes, isExclusive, attempt, failures } of await store.suspectsOf(
      ...([uid, log.stream, now()] as const),
    )) {
      const known = { crashes, isExclusive, attempt, failures: JSON.parse(failures) as FailedAttempt[] }
      this.#known.set(nameOf(partition, offset), known)
    }
  }

  get size(): number {
    return this.#known.size
  }

  has({ partition, record }: Delivery): boolean {
    return this.#known.size > 0 && this.#known.has(nameOf(partition, record.offset))
  }

  /** Whether one more suspect may start. */
  get hasRoom(): boolean {
    return this.#alone < aloneAtOnce
  }

  /** It must not run any more. Its history is complete then. */
  isGuilty(delivery: Delivery): boolean {
    const known = this.#of(delivery)
    if (known === undefined) return false
    // After a restart the event comes from the log, without what happened to it.
    if ((delivery.failures?.length ?? 0) < known.failures.length) {
      delivery.failures = [...known.failures]
      delivery.attempt = Math.max(delivery.attempt, known.attempt)
    }
    return known.crashes >= maxHostCrashes
  }

  /** Its worker ended, and it may have done it, or it certainly did (`certain`). Returns how often it has by now. */
  suspect(delivery: Delivery, certain: boolean): number {
    const name = nameOf(delivery.partition, delivery.record.offset)
    const known = this.#known.get(name) ?? { crashes: 0, isExclusive: false, attempt: 1, failures: [] }
    this.#known.set(name, known)
    if (!certain) return known.crashes
    known.crashes++
    // Its next run writes it down as well; whoever ends the process before shall not make it begin again.
    void this.#persist(() => this.#options.store.putSuspect(this.#row(delivery, known, false)))
    return known.crashes
  }

  /** Runs a suspect that was taken, as soon as the store knows that it begins. */
  async run(delivery: Delivery): Promise<void> {
    if ((await this.#begin(delivery)) && delivery.route !== undefined) delivery.route.engine.runAlone(delivery)
    else delivery.settle({ kind: 'not-started' })
  }

  /** Resolves with false when the trigger stopped first. */
  async #begin(delivery: Delivery): Promise<boolean> {
    delivery.alone = true
    this.#alone++
    const known = this.#of(delivery) as Known
    if (known.isExclusive && known.crashes > 0 && !(await this.#quarantined())) return false
    const { gate } = this.#options
    if (gate !== undefined) this.#releases.set(delivery, await (known.isExclusive ? gate.alone() : gate.beside()))
    return this.#persist(() => this.#options.store.putSuspect(this.#row(delivery, known, true)))
  }

  /** Resolves with false when the trigger stopped first. */
  async #quarantined(): Promise<boolean> {
    const { signal } = this.#stopped
    const waitMs = this.#quarantineUntilMs - performance.now()
    if (waitMs > 0) await wait(waitMs, undefined, { signal }).catch(() => undefined)
    return !signal.aborted
  }

  /** The suspect's run is over. What came to an end has ended no host, even if it failed. */
  ended(delivery: Delivery, outcome: InvocationOutcome): void {
    delivery.alone = false
    this.#alone--
    const known = this.#of(delivery)
    if (known !== undefined && outcome.kind === 'not-started')
      void this.#persist(() => this.#options.store.putSuspect(this.#row(delivery, known, false)))
    else if (!endsHost(outcome)) this.forget(delivery)
    this.#releases.get(delivery)?.()
    this.#releases.delete(delivery)
  }

  /** It is complete, or no suspect any more. */
  forget(delivery: Delivery): void {
    if (!this.#known.delete(nameOf(delivery.partition, delivery.record.offset))) return
    void this.#persist(() => this.#options.store.removeSuspect(this.#place(delivery)))
  }

  stop(): void {
    this.#stopped.abort()
  }

  #of({ partition, record }: Delivery): Known | undefined {
    return this.#known.get(nameOf(partition, record.offset))
  }

  #place({ partition, record }: Delivery): KeptPlace {
    const { uid: trigger, log } = this.#options
    return { trigger, stream: log.stream, partition, offset: record.offset }
  }

  #row(delivery: Delivery, { crashes, isExclusive }: Known, isRunning: boolean): Suspect {
    return {
      ...this.#place(delivery),
      ...{ crashes, isExclusive, isRunning, attempt: delivery.attempt },
      failures: JSON.stringify(delivery.failures ?? []),
      sinceMs: this.#options.now(),
    }
  }

  /** Repeats until the store takes it; the trigger shows why the event stands still meanwhile. */
  async #persist(change: () => Promise<void>): Promise<boolean> {
    for (let failed = false; !this.#stopped.signal.aborted; failed = true) {
      try {
        await change()
        if (failed) this.#onBlocked(undefined)
        return true
      } catch (error) {
        this.#onBlocked(`an event that may end its worker cannot be noted: ${messageOf(error)}`)
        await wait(500, undefined, { signal: this.#stopped.signal }).catch(() => undefined)
      }
    }
    return false
  }
}

/** Whether the event has, or may have, ended the thread or process that ran it. */
export function endsHost(outcome: InvocationOutcome): boolean {
  return outcome.kind === 'suspect' || (outcome.kind === 'failed' && outcome.endedHost === true)
}

function nameOf(partition: number, offset: number): string {
  return `${partition}/${offset}`
}
