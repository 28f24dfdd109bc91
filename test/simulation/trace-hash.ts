/** A running hash over what happened, in order: two runs with the same hash did the same. Not for anything but that. */
export class TraceHash {
  /** What is told of, when somebody wants to read it. */
  readonly lines: string[] | undefined
  #high = 0x9e3779b9
  #low = 0x85ebca6b

  constructor(keepsLines = false) {
    this.lines = keepsLines ? [] : undefined
  }

  number(value: number): void {
    this.#high = Math.imul(this.#high ^ value, 0x01000193)
    this.#low = Math.imul(this.#low ^ (this.#high >>> 13) ^ value, 0xc2b2ae35)
  }

  text(line: string): void {
    for (let at = 0; at < line.length; at++) this.number(line.charCodeAt(at))
    this.lines?.push(line)
  }

  get digest(): string {
    return [this.#high, this.#low].map(half => (half >>> 0).toString(16).padStart(8, '0')).join('')
  }
}
