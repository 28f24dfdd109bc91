/** Says how far an experiment is: on a terminal in one line that changes, elsewhere in a line now and then. */
export class ProgressLine {
  readonly #stream: NodeJS.WriteStream
  readonly #everyMs: number
  #lastMs = -Infinity
  #isShown = false

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    this.#everyMs = stream.isTTY ? 200 : 10_000
  }

  show(name: string, done: number, of: number, note: string | undefined): void {
    const nowMs = performance.now()
    if (nowMs - this.#lastMs < this.#everyMs && done < of) return
    this.#lastMs = nowMs
    const text = `  ${name}: ${done.toLocaleString('en-US')} of ${of.toLocaleString('en-US')}${note === undefined ? '' : `, ${note}`}`
    if (!this.#stream.isTTY) this.#stream.write(`${text}\n`)
    else this.#stream.write(`\r\u001b[K${text.slice(0, this.#stream.columns - 1)}`)
    this.#isShown = this.#stream.isTTY
  }

  print(text: string): void {
    if (this.#isShown) this.#stream.write('\r\u001b[K')
    this.#isShown = false
    this.#lastMs = -Infinity
    this.#stream.write(`${text}\n`)
  }
}
