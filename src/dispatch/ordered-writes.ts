/**
 * Writes of one key, one at a time and in their order: what comes while one is under way goes with the next. A later event
 * is so never durable before an earlier one, also when the store refuses a write and takes the next; and many events of a
 * key cost few writes.
 */
export class OrderedWrites<Row> {
  readonly #write: (rows: readonly Row[]) => Promise<boolean>
  #isWriting = false
  #next: { readonly rows: Row[]; readonly done: PromiseWithResolvers<boolean> } | undefined

  /** @param write resolves with whether the rows are durable; repeats by itself what is refused; never rejects. */
  constructor(write: (rows: readonly Row[]) => Promise<boolean>) {
    this.#write = write
  }

  /** Resolves with whether they are durable. */
  write(rows: readonly Row[]): Promise<boolean> {
    this.#next ??= { rows: [], done: Promise.withResolvers<boolean>() }
    this.#next.rows.push(...rows)
    const { promise } = this.#next.done
    if (!this.#isWriting) void this.#writeAll()
    return promise
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true
    for (let batch = this.#next; batch !== undefined; batch = this.#next) {
      this.#next = undefined
      batch.done.resolve(await this.#write(batch.rows))
    }
    this.#isWriting = false
  }
}
