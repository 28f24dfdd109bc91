import type { WriteStream } from 'node:tty'
import type { KindLedger } from './ledger.ts'
import type { Paint } from './summary-table.ts'

/** What the progress shows of one moment. */
export interface ProgressView {
  readonly ledgers: readonly KindLedger[]
  readonly deadLetters: ReadonlyMap<string, number>
  /** What the gateway does, such as `running, killed 2 of 6`. */
  readonly gateway: string
}

const liveIntervalMs = 100
const lineIntervalMs = 1_000
const barWidth = 24
const protocols: Readonly<Record<string, string>> = { webhooks: 'HTTP', telemetry: 'MQTT', orders: 'Kafka' }

/**
 * Shows how far the demo is: some lines that are written over on a terminal, a new line per second elsewhere.
 * `view` is asked at each update.
 */
export class Progress {
  readonly #stream: NodeJS.WriteStream
  readonly #view: () => ProgressView
  readonly #paint: Paint
  readonly #startedAt = performance.now()
  readonly #rates = new Map<string, { atMs: number; done: number; perS: number }>()
  #timer: NodeJS.Timeout | undefined
  #linesUp = 0

  constructor(stream: NodeJS.WriteStream, view: () => ProgressView, paint: Paint) {
    this.#stream = stream
    this.#view = view
    this.#paint = paint
  }

  start(): void {
    const isLive = this.#stream.isTTY
    if (isLive) this.#stream.write('\u001b[?25l')
    this.#timer = setInterval(() => (isLive ? this.#draw() : this.#line()), isLive ? liveIntervalMs : lineIntervalMs)
  }

  /** Draws the last state and gives the cursor back. Idempotent. */
  stop(): void {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
    if (this.#stream.isTTY) {
      this.#draw()
      this.#stream.write('\u001b[?25h')
    } else this.#line()
  }

  #draw(): void {
    const view = this.#view()
    const columns = (this.#stream as WriteStream).columns || 80
    const lines = view.ledgers.map(ledger => this.#kindLine(ledger, view.deadLetters.get(ledger.kind) ?? 0, columns))
    const seconds = `${((performance.now() - this.#startedAt) / 1000).toFixed(0)} s`
    lines.push(`  ${'gateway'.padEnd(10)} ${view.gateway}, ${seconds}`)
    const up = this.#linesUp === 0 ? '' : `\r\u001b[${this.#linesUp}A`
    this.#stream.write(up + lines.map(line => `\u001b[2K${line}\n`).join(''))
    this.#linesUp = lines.length
  }

  #kindLine(ledger: KindLedger, deadLetters: number, columns: number): string {
    const total = ledger.events.length
    const finished = ledger.doneAtMs.size + deadLetters
    const label = `  ${ledger.kind.padEnd(10)} ${(protocols[ledger.kind] ?? '').padEnd(5)} `
    const count = `${thousands(finished).padStart(thousands(total).length)} of ${thousands(total)}`
    const rate = `${thousands(this.#rateOf(ledger)).padStart(7)}/s`
    const letters = deadLetters === 0 ? '' : `  ${deadLetters} dead letter${deadLetters === 1 ? '' : 's'}`
    // Where it is narrow the numbers matter more than the bar.
    const room = columns - label.length - count.length - rate.length - 20
    const bar = room >= 10 ? `${this.#bar(ledger, finished, Math.min(barWidth, room))}  ` : ''
    return `${label}${bar}${count}${rate}${this.#paint('yellow', letters)}`
  }

  /** Finished, then accepted and still in progress, then to come. */
  #bar(ledger: KindLedger, finished: number, width: number): string {
    const cells = (count: number) => Math.round((Math.min(count, ledger.events.length) / ledger.events.length) * width)
    const done = cells(finished)
    const open = Math.max(0, cells(ledger.acceptedAtMs.size) - done)
    const rest = '░'.repeat(width - done - open)
    return this.#paint('green', '█'.repeat(done)) + this.#paint('yellow', '▓'.repeat(open)) + this.#paint('dim', rest)
  }

  /** Smoothed over a second or so, that it can be read. */
  #rateOf(ledger: KindLedger): number {
    const atMs = performance.now()
    const done = ledger.doneAtMs.size
    const last = this.#rates.get(ledger.kind)
    if (last === undefined) {
      this.#rates.set(ledger.kind, { atMs, done, perS: 0 })
      return 0
    }
    const seconds = (atMs - last.atMs) / 1000
    if (seconds < 0.5) return Math.round(last.perS)
    const perS = (done - last.done) / seconds
    this.#rates.set(ledger.kind, { atMs, done, perS })
    return Math.round(perS)
  }

  #line(): void {
    const { ledgers, deadLetters, gateway } = this.#view()
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(0).padStart(3)
    if (ledgers.every(({ sentAtMs }) => sentAtMs.size === 0)) {
      this.#stream.write(`${seconds} s  gateway ${gateway}\n`)
      return
    }
    const parts = ledgers.map(ledger => {
      const finished = ledger.doneAtMs.size + (deadLetters.get(ledger.kind) ?? 0)
      return `${ledger.kind} ${thousands(finished)} of ${thousands(ledger.events.length)}`
    })
    this.#stream.write(`${seconds} s  ${parts.join(', ')}; gateway ${gateway}\n`)
  }
}

function thousands(value: number): string {
  return value.toLocaleString('en-US')
}
