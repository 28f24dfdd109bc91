import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { KeptPlace } from '../store/kept-place.ts'
import type { Invocation } from '../workers/invocation.ts'

/** After a bad end frames are noted for this long: what ended the process comes again at the beginning. */
const watchedMs = 5 * 60_000
/** Fewer events in a frame, fewer suspects. */
export const watchedFrameEvents = 16
const maxBytes = 1024 * 1024

/** What the record of the process is told of one frame. */
export interface FrameNote {
  /** A worker has it, or another one. While it waits for a worker to start, what ends the process is something else. */
  readonly begin: () => void
  readonly end: () => void
}

/**
 * Whether the process before this one ended as it should, and, if it did not, what runs in this one: a file beside the data.
 * It is written without syncing: what it tells of is the end of a process, not of a machine.
 *
 *   (none) ──begin──▶ open, empty ──end──▶ (none)
 *                      └─ found at a start: the process has died; for a while every frame is noted while it runs.
 *                         Found with frames in it: their events are suspects.
 */
export class RunRecord {
  /** The process before ended without stopping. */
  readonly hasCrashed: boolean
  /** What it had in workers, as far as it was noted. */
  readonly suspects: readonly KeptPlace[]
  readonly #file: string
  readonly #now: () => number
  readonly #open = new Map<number, string>()
  #fd: number | undefined
  #bytes = 0
  #nextId = 1
  #watchUntilMs = 0

  /** @param now monotonic, in ms. */
  constructor(dir: string, now: () => number = () => performance.now()) {
    mkdirSync(dir, { recursive: true })
    this.#file = join(dir, 'running')
    this.#now = now
    const found = read(this.#file)
    this.hasCrashed = found !== undefined
    this.suspects = found === undefined ? [] : suspectsIn(found)
  }

  /** From here on this process is the one that runs; what was found before has to be safe by now. */
  begin(): void {
    this.#fd = openSync(this.#file, 'w', 0o600)
    if (this.hasCrashed) this.#watchUntilMs = this.#now() + watchedMs
  }

  /** Whether frames are noted. */
  get isWatching(): boolean {
    return this.#watchUntilMs > 0 && this.#fd !== undefined && this.#now() < this.#watchUntilMs
  }

  /**
   * A frame of one trigger is to run.
   * @param always it is noted also while nothing is watched. @returns undefined: it is not noted.
   */
  note(trigger: string, stream: string, frame: readonly Invocation[], always = false): FrameNote | undefined {
    if (!always && !this.isWatching) return undefined
    let id = 0
    const end = (): void => {
      if (id > 0) this.#ended(id)
      id = 0
    }
    const begin = (): void => {
      end()
      id = this.#started(trigger, stream, frame)
    }
    return { begin, end }
  }

  #started(trigger: string, stream: string, frame: readonly Invocation[]): number {
    if (this.#fd === undefined) return 0
    const id = this.#nextId++
    const events = frame.map(({ partition, record }) => [partition, record.offset])
    this.#open.set(id, `${JSON.stringify({ id, trigger, stream, events })}\n`)
    this.#append(this.#open.get(id) as string)
    return id
  }

  #ended(id: number): void {
    if (!this.#open.delete(id) || this.#fd === undefined) return
    if (this.#bytes < maxBytes) return this.#append(`${JSON.stringify({ ended: id })}\n`)
    ftruncateSync(this.#fd, 0)
    this.#bytes = 0
    this.#append([...this.#open.values()].join(''))
  }

  /** The process stops as it should. */
  end(): void {
    if (this.#fd === undefined) return
    closeSync(this.#fd)
    this.#fd = undefined
    rmSync(this.#file, { force: true })
  }

  #append(text: string): void {
    if (this.#fd === undefined) return
    try {
      // Always at the end, also after a truncation.
      this.#bytes += writeSync(this.#fd, text, this.#bytes)
    } catch {
      // A full disk: nothing is noted then, which costs one more crash.
    }
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    return ''
  }
}

interface Line {
  readonly id?: number
  readonly ended?: number
  readonly trigger?: string
  readonly stream?: string
  readonly events?: readonly (readonly [number, number])[]
}

function suspectsIn(text: string): KeptPlace[] {
  const open = new Map<number, readonly KeptPlace[]>()
  for (const row of text.split('\n')) {
    const { id, ended, trigger = '', stream = '', events = [] } = parse(row)
    if (ended !== undefined) open.delete(ended)
    if (id !== undefined)
      open.set(
        id,
        events.map(([partition, offset]) => ({ trigger, stream, partition, offset })),
      )
  }
  return [...open.values()].flat()
}

/** The last line of a process that died may be half. */
function parse(row: string): Line {
  try {
    return JSON.parse(row) as Line
  } catch {
    return {}
  }
}
