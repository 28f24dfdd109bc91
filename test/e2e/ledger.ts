import { open, type FileHandle } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** An event of these tests; `seq` counts from 0 within its key. */
export interface TestEvent {
  readonly id: string
  readonly key: string
  readonly seq: number
}

export interface LedgerEntry extends TestEvent {
  readonly attempt: number
}

const pollMs = 20

/** Who is told what senders know. */
export interface SendingLedger {
  /** Before each sending of an event, which waits for it. */
  send(id: string, event: TestEvent): void | Promise<void>
  acknowledge(id: string): void
  /** There will be no answer. */
  lose(id: string): void
  refuse?(id: string): void
}

/** What senders know of each event. Those that are only sent may have arrived or not. */
export class SentLedger implements SendingLedger {
  readonly sent = new Set<string>()
  readonly acknowledged = new Set<string>()
  /** Sent, and the connection died before the answer. */
  readonly unknown = new Set<string>()
  readonly #waiters = new Set<{ count: number; resolve: () => void }>()

  send(id: string): void {
    this.sent.add(id)
  }

  lose(id: string): void {
    this.unknown.add(id)
  }

  acknowledge(id: string): void {
    this.acknowledged.add(id)
    for (const waiter of this.#waiters) {
      if (this.acknowledged.size < waiter.count) continue
      this.#waiters.delete(waiter)
      waiter.resolve()
    }
  }

  /** Resolves when at least `count` events are acknowledged. */
  waitForAcknowledged(count: number): Promise<void> {
    if (this.acknowledged.size >= count) return Promise.resolve()
    return new Promise(resolve => this.#waiters.add({ count, resolve }))
  }
}

/** The file that functions append to, read while it grows. It outlives every gateway. */
export class Ledger {
  readonly file: string
  readonly entries: LedgerEntry[] = []
  /** How often each id was processed. */
  readonly counts = new Map<string, number>()
  #handle: FileHandle | undefined
  #position = 0
  #rest = ''
  #reading: Promise<readonly LedgerEntry[]> = Promise.resolve([])

  constructor(file: string) {
    this.file = file
  }

  /** Takes in what was appended since the last time. */
  read(): Promise<readonly LedgerEntry[]> {
    // One after the other: two at once would take in the same bytes.
    this.#reading = this.#reading.then(() => this.#readOn())
    return this.#reading
  }

  async #readOn(): Promise<readonly LedgerEntry[]> {
    this.#handle ??= await open(this.file, 'a+')
    const position = this.#position
    const { size } = await this.#handle.stat()
    if (size > position) {
      const { buffer, bytesRead } = await this.#handle.read(Buffer.alloc(size - position), 0, size - position, position)
      this.#position += bytesRead
      this.#take(buffer.toString('latin1', 0, bytesRead))
    }
    return this.entries
  }

  /** Resolves when at least `count` different events are processed. */
  async waitFor(count: number, timeoutMs = 50_000): Promise<void> {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      await this.read()
      if (this.counts.size >= count) return
      if (Date.now() > deadline)
        throw new Error(`${this.counts.size} of ${count} events were processed within ${timeoutMs} ms`)
      await delay(pollMs)
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close()
    this.#handle = undefined
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      const [id = '', key = '', seq, attempt] = line.split(' ')
      this.entries.push({ id, key, seq: Number(seq), attempt: Number(attempt) })
      this.counts.set(id, (this.counts.get(id) ?? 0) + 1)
    }
  }
}

export interface Audit {
  /** Acknowledged and not processed. */
  readonly lost: readonly string[]
  /** Processed and never sent. */
  readonly invented: readonly string[]
  /** Ids that came out of turn: an earlier event of their key was processed for the first time after them. */
  readonly disordered: readonly string[]
  /** Runs beyond the first of each event. */
  readonly duplicates: number
}

/** Nothing lost, nothing invented, every key in order. */
export const clean = { lost: [], invented: [], disordered: [] } as const

/** Compares what was processed with what the senders know, event by event. */
export function audit(ledger: Ledger, sent: SentLedger): Audit {
  const lost = [...sent.acknowledged].filter(id => !ledger.counts.has(id))
  const invented = [...ledger.counts.keys()].filter(id => !sent.sent.has(id))
  return {
    lost,
    invented,
    disordered: disorderedOf(ledger.entries),
    duplicates: ledger.entries.length - ledger.counts.size,
  }
}

/** Events whose first success came after the first success of a later one of their key. */
export function disorderedOf(entries: readonly TestEvent[]): string[] {
  const seen = new Set<string>()
  const newest = new Map<string, number>()
  const disordered: string[] = []
  for (const { id, key, seq } of entries) {
    if (seen.has(id)) continue
    seen.add(id)
    const before = newest.get(key) ?? -1
    if (seq < before) disordered.push(id)
    else newest.set(key, seq)
  }
  return disordered
}

/** Runs beyond the first by partition, where `partitionOf` says in which partition an event lies. */
export function duplicatesByPartition(
  ledger: Ledger,
  partitionOf: (entry: LedgerEntry) => number,
): Map<number, number> {
  const seen = new Set<string>()
  const duplicates = new Map<number, number>()
  for (const entry of ledger.entries) {
    if (seen.has(entry.id)) {
      const partition = partitionOf(entry)
      duplicates.set(partition, (duplicates.get(partition) ?? 0) + 1)
    }
    seen.add(entry.id)
  }
  return duplicates
}
