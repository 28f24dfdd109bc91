import { open, type FileHandle } from 'node:fs/promises'
import type { DemoEvent, Kind } from './workload.ts'

/** Wall clock in ms, finer than Date.now(); the functions use the same. */
export const nowMs = (): number => performance.timeOrigin + performance.now()

/** What is known of the events of one kind, by what their senders saw and what the functions wrote down. */
export class KindLedger {
  readonly kind: Kind
  readonly events: readonly DemoEvent[]
  /** First try of each event. */
  readonly sentAtMs = new Map<string, number>()
  /** What a sender has an acknowledgement for, and since when. */
  readonly acceptedAtMs = new Map<string, number>()
  /** First success of each event. */
  readonly doneAtMs = new Map<string, number>()
  /** Successes beyond the first. */
  duplicates = 0
  /** Events whose first success came after the first success of a later one of their key. */
  disordered: string[] = []
  /** Processed, and never sent by us. */
  unknown: string[] = []
  readonly #byId: ReadonlyMap<string, DemoEvent>
  readonly #newest = new Map<string, number>()

  constructor(kind: Kind, events: readonly DemoEvent[]) {
    this.kind = kind
    this.events = events
    this.#byId = new Map(events.map(event => [event.id, event]))
  }

  sent(id: string): void {
    if (!this.sentAtMs.has(id)) this.sentAtMs.set(id, nowMs())
  }

  accepted(id: string): void {
    if (!this.acceptedAtMs.has(id)) this.acceptedAtMs.set(id, nowMs())
  }

  done(id: string, atMs: number): void {
    const event = this.#byId.get(id)
    if (event === undefined || !this.sentAtMs.has(id)) {
      this.unknown.push(id)
      return
    }
    if (this.doneAtMs.has(id)) {
      this.duplicates++
      return
    }
    this.doneAtMs.set(id, atMs)
    const newest = this.#newest.get(event.key) ?? -1
    if (event.sequence < newest) this.disordered.push(id)
    else this.#newest.set(event.key, event.sequence)
  }

  isPoison(id: string): boolean {
    return this.#byId.get(id)?.poison === true
  }

  /** Accepted, and not done: in progress, a dead letter, or lost. */
  open(): string[] {
    return [...this.acceptedAtMs.keys()].filter(id => !this.doneAtMs.has(id))
  }
}

const newline = 0x0a

/** Reads the file that the functions append to while it grows, and enters its lines into the ledgers. */
export class DoneLedgerReader {
  readonly #file: string
  readonly #ledgers: ReadonlyMap<string, KindLedger>
  #handle: FileHandle | undefined
  #position = 0

  constructor(file: string, ledgers: ReadonlyMap<string, KindLedger>) {
    this.#file = file
    this.#ledgers = ledgers
  }

  /** Takes in all whole lines that were appended since the last time. Calls must not overlap. */
  async read(): Promise<void> {
    this.#handle ??= await open(this.#file, 'a+')
    const { size } = await this.#handle.stat()
    if (size <= this.#position) return
    const bytes = Buffer.alloc(size - this.#position)
    const { bytesRead } = await this.#handle.read(bytes, 0, bytes.length, this.#position)
    const end = bytes.lastIndexOf(newline, bytesRead - 1) + 1
    this.#position += end
    for (const line of bytes.toString('latin1', 0, end).split('\n')) {
      if (line === '') continue
      const [kind = '', id = '', atMs] = line.split(' ')
      this.#ledgers.get(kind)?.done(id, Number(atMs))
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close()
    this.#handle = undefined
  }
}
