import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { Run } from './history.ts'

const pollMs = 20
const line = /^(\S+) (\S+) (\d+) (\d+) (\d+) (\d+) (done|failed)$/

/** The file that the function under test appends to, read while it grows. It outlives every gateway. */
export class RunJournal {
  readonly file: string
  readonly runs: Run[] = []
  /** Ids that were done. */
  readonly done = new Set<string>()
  unreadable = 0
  #handle: FileHandle | undefined
  #position = 0
  #rest = ''
  #reading: Promise<readonly Run[]> = Promise.resolve([])

  constructor(file: string) {
    this.file = file
  }

  /** Takes in what was appended since the last time, and gives all of it. */
  read(): Promise<readonly Run[]> {
    // One after the other: two at once would take in the same bytes.
    this.#reading = this.#reading.then(() => this.#readOn())
    return this.#reading
  }

  /** Resolves when at least `count` different events are done. */
  async waitForDone(count: number, timeoutMs = 60_000): Promise<void> {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      await this.read()
      if (this.done.size >= count) return
      if (Date.now() > deadline)
        throw new Error(`${this.done.size} of ${count} events were done within ${timeoutMs} ms`)
      await delay(pollMs)
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close()
    this.#handle = undefined
  }

  async #readOn(): Promise<readonly Run[]> {
    this.#handle ??= await open(this.file, 'a+')
    const { size } = await this.#handle.stat()
    const bytes = Buffer.alloc(size - this.#position)
    const { bytesRead } = await this.#handle.read(bytes, 0, bytes.length, this.#position)
    this.#position += bytesRead
    const lines = (this.#rest + bytes.toString('latin1', 0, bytesRead)).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const text of lines) this.#take(text)
    return this.runs
  }

  #take(text: string): void {
    const match = line.exec(text)
    if (match === null) {
      this.unreadable++
      return
    }
    const [, id = '', key = '', sequence, attempt, startUs, endUs, outcome] = match
    this.runs.push({
      id,
      key,
      sequence: Number(sequence),
      attempt: Number(attempt),
      startUs: Number(startUs),
      endUs: Number(endUs),
      outcome: outcome as Run['outcome'],
    })
    if (outcome === 'done') this.done.add(id)
  }
}
