interface Entry {
  readonly atMs: number
  readonly sequence: number
  readonly act: () => void
}

/** What is due in simulated time, earliest first; at the same time in the order of its planning. */
export class EventQueue {
  readonly #heap: Entry[] = []
  #sequence = 0

  /** Infinity when nothing is planned. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Infinity
  }

  plan(atMs: number, act: () => void): void {
    const entry = { atMs, sequence: this.#sequence++, act }
    let index = this.#heap.push(entry) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = this.#heap[parent] as Entry
      if (!isBefore(entry, above)) break
      this.#heap[index] = above
      index = parent
    }
    this.#heap[index] = entry
  }

  /** Does what is due next. */
  step(): void {
    const first = this.#heap[0]
    if (first === undefined) return
    const last = this.#heap.pop() as Entry
    if (last !== first) this.#sink(last)
    first.act()
  }

  #sink(entry: Entry): void {
    const heap = this.#heap
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      const left = heap[child]
      if (left === undefined) break
      const right = heap[child + 1]
      const smaller = right !== undefined && isBefore(right, left) ? right : left
      if (smaller === right) child++
      if (!isBefore(smaller, entry)) break
      heap[index] = smaller
      index = child
    }
    heap[index] = entry
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence)
}
