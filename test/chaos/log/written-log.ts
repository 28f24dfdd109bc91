import type { AppendRecord } from '../../../src/log/log-record.ts'
import type { SentEvent, SentOutcome } from '../checker/history.ts'
import type { Random } from '../random.ts'

/** A record of a workload and what its writer knows of it. */
export interface WrittenRecord {
  readonly id: string
  readonly partition: number
  /** Place in the order of the appends of its partition. */
  readonly sequence: number
  readonly record: AppendRecord
  outcome: SentOutcome
  /** Known once it is acknowledged. */
  offset: number | undefined
}

/** What a writer knows of a log: its own journal, in memory, because it is the log that loses its power here. */
export class WrittenLog {
  readonly records = new Map<string, WrittenRecord>()
  /** Offsets of commits by group and partition: acknowledged ones, and the highest that was asked for. */
  readonly committed = new Map<string, { acknowledged: number; asked: number }>()
  readonly #sequences: number[]

  constructor(partitions: number) {
    this.#sequences = new Array<number>(partitions).fill(0)
  }

  /** A new record of a partition; its bytes are random, with its name in front. */
  create(partition: number, bytes: number, random: Random): WrittenRecord {
    const sequence = this.#sequences[partition]!++
    const id = `p${partition}-${sequence}`
    const value = Buffer.alloc(Math.max(bytes, id.length + 1))
    for (let at = 0; at < value.length; at++) value[at] = random.below(256)
    value.write(`${id} `, 'latin1')
    const written: WrittenRecord = {
      id,
      partition,
      sequence,
      record: { key: random.chance(0.2) ? null : Buffer.from(`p${partition}`), header: Buffer.from('h'), value },
      outcome: 'unknown',
      offset: undefined,
    }
    this.records.set(id, written)
    return written
  }

  /** The record whose bytes these are; undefined for bytes that nobody wrote. */
  find(value: Buffer): WrittenRecord | undefined {
    const written = this.records.get(value.toString('latin1', 0, Math.max(0, value.indexOf(' '))))
    return written?.record.value.equals(value) === true ? written : undefined
  }

  /** As it is known now: later acknowledgements do not change it. */
  snapshot(): ReadonlyMap<string, SentEvent> {
    const events = new Map<string, SentEvent>()
    for (const { id, partition, sequence, outcome } of this.records.values())
      events.set(id, { id, key: `p${partition}`, sequence, outcome, copies: 1 })
    return events
  }
}
