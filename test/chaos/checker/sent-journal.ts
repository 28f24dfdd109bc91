import { type FileHandle, open, readFile } from 'node:fs/promises'
import type { SendingLedger, TestEvent } from '../../e2e/ledger.ts'
import type { SentEvent, SentOutcome } from './history.ts'

type Mark = 'sent' | 'acknowledged' | 'refused' | 'unknown'

/**
 * The ledger of senders, on disk: an event is in it, synced, before it is sent for the first time, so that whatever the
 * gateway does with it can be told from an invention. Each line is a mark and an id; `sent` has key and sequence too.
 */
export class SentJournal implements SendingLedger {
  /** Distinct events that were acknowledged. */
  acknowledged = 0
  readonly #handle: FileHandle
  readonly #known = new Set<string>()
  readonly #settled = new Set<string>()
  readonly #waiters = new Set<{ readonly count: number; readonly resolve: () => void }>()
  #lines: string[] = []
  #next: Promise<void> | undefined
  #last: Promise<void> = Promise.resolve()

  private constructor(handle: FileHandle) {
    this.#handle = handle
  }

  static async create(file: string): Promise<SentJournal> {
    return new SentJournal(await open(file, 'ax'))
  }

  /** Distinct events that were sent. */
  get sent(): number {
    return this.#known.size
  }

  isAcknowledged(id: string): boolean {
    return this.#settled.has(id)
  }

  /** Resolves when the event may be sent. */
  async send(id: string, event: TestEvent): Promise<void> {
    if (this.#known.has(id)) {
      this.#write('sent', id)
      return
    }
    this.#known.add(id)
    this.#lines.push(`sent ${id} ${event.key} ${event.seq}\n`)
    await this.#flush()
  }

  acknowledge(id: string): void {
    this.#write('acknowledged', id)
    if (this.#settled.has(id)) return
    this.#settled.add(id)
    this.acknowledged++
    for (const waiter of this.#waiters) {
      if (this.acknowledged < waiter.count) continue
      this.#waiters.delete(waiter)
      waiter.resolve()
    }
  }

  refuse(id: string): void {
    this.#write('refused', id)
  }

  lose(id: string): void {
    this.#write('unknown', id)
  }

  /** Resolves when at least `count` distinct events are acknowledged. */
  waitForAcknowledged(count: number): Promise<void> {
    if (this.acknowledged >= count) return Promise.resolve()
    return new Promise(resolve => this.#waiters.add({ count, resolve }))
  }

  async close(): Promise<void> {
    await this.#flush()
    await this.#handle.close()
  }

  #write(mark: Mark, id: string): void {
    this.#lines.push(`${mark} ${id}\n`)
  }

  /** Resolves when all that stands now is on disk; one sync for whatever gathered during the one before. */
  #flush(): Promise<void> {
    this.#next ??= this.#last.then(async () => {
      this.#next = undefined
      const lines = this.#lines
      this.#lines = []
      await this.#handle.write(lines.join(''))
      await this.#handle.datasync()
    })
    this.#last = this.#next
    return this.#next
  }
}

/** What the senders of a journal know in the end. */
export async function readSentJournal(file: string): Promise<ReadonlyMap<string, SentEvent>> {
  const events = new Map<string, { id: string; key: string; sequence: number; outcome: SentOutcome; copies: number }>()
  const open = new Set<string>()
  for (const line of (await readFile(file, 'latin1')).split('\n')) {
    if (line === '') continue
    const [mark = '', id = '', key = '', sequence] = line.split(' ')
    let event = events.get(id)
    if (event === undefined) {
      // One that was sent and of which nothing else is known.
      event = { id, key, sequence: Number(sequence), outcome: 'unknown', copies: 0 }
      events.set(id, event)
    }
    switch (mark as Mark) {
      case 'sent':
        if (open.has(id)) event.copies++
        open.add(id)
        break
      case 'acknowledged':
        event.copies++
        event.outcome = 'acknowledged'
        open.delete(id)
        break
      case 'unknown':
        event.copies++
        if (event.outcome !== 'acknowledged') event.outcome = 'unknown'
        open.delete(id)
        break
      case 'refused':
        if (event.outcome !== 'acknowledged' && event.copies === 0) event.outcome = 'refused'
        open.delete(id)
        break
    }
  }
  for (const id of open) events.get(id)!.copies++
  return events
}
