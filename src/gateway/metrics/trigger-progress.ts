import { parseFunctionRef } from '../../config/function-ref.ts'
import type { TriggerDispatch } from '../../dispatch/trigger-dispatch.ts'
import { EmbeddedLog } from '../../log/embedded/embedded-log.ts'
import type { PartitionEnds, PartitionLog } from '../../log/partition-log.ts'
import type { TriggerRecord } from '../../registry/registry-records.ts'
import { Breath } from '../../telemetry/breath.ts'
import type { GatewayView } from '../gateway-view.ts'
import { groupOf } from '../home-streams.ts'

export interface PartitionLag {
  readonly partition: number
  readonly committed: number
  /** Events that are not complete. */
  readonly lag: number
}

/** How far a trigger is; what is undefined is not known now, which is not 0. */
export interface TriggerProgress {
  readonly name: string
  readonly stream: string
  readonly function: string
  readonly partitions: readonly PartitionLag[] | undefined
  /** Events that are not complete, parked ones included. */
  readonly lag: number | undefined
  /** When the oldest of them was accepted; undefined also when there is none. */
  readonly oldestMs: number | undefined
}

interface Subject {
  readonly name: string
  readonly record: TriggerRecord
  readonly log: PartitionLog | undefined
  /** Undefined while the trigger cannot run. */
  readonly dispatch: TriggerDispatch | undefined
}

/** Several metrics ask in one reading. */
const maxAgeMs = 100

/** Looks at all triggers, those included that cannot run: their lag is what one wants to know at night. */
export class TriggersProgress {
  readonly #view: Pick<GatewayView, 'triggers' | 'streams' | 'ends' | 'store'>
  /** The last record that was looked up, by partition: while a trigger stands still nothing is read again. */
  readonly #found = new WeakMap<PartitionLog, Map<number, { readonly offset: number; readonly timestampMs: number }>>()
  #last: { readonly atMs: number; readonly all: Promise<readonly TriggerProgress[]> } | undefined

  constructor(view: Pick<GatewayView, 'triggers' | 'streams' | 'ends' | 'store'>) {
    this.#view = view
  }

  all(): Promise<readonly TriggerProgress[]> {
    const nowMs = performance.now()
    if (this.#last === undefined || nowMs - this.#last.atMs > maxAgeMs) this.#last = { atMs: nowMs, all: this.#read() }
    return this.#last.all
  }

  /** Ends and places that have to be fetched are asked for at once; what is in memory is looked at in turns. */
  async #read(): Promise<readonly TriggerProgress[]> {
    const breath = new Breath()
    const asked: Promise<TriggerProgress>[] = []
    for (const subject of this.#subjects()) {
      const progress = this.#progressOf(subject)
      progress.catch(() => undefined)
      asked.push(progress)
      await Promise.resolve()
      if (breath.isDue) await breath.take()
    }
    return Promise.all(asked)
  }

  #subjects(): Subject[] {
    const { triggers, streams } = this.#view
    return [
      ...triggers.running.values(),
      ...[...triggers.waiting.values()].map(({ record }) => {
        const log = streams.get(record.definition.stream)?.log
        return { name: record.name, record, log, dispatch: undefined }
      }),
    ]
  }

  async #progressOf(subject: Subject): Promise<TriggerProgress> {
    const { name, record, log, dispatch } = subject
    const { stream, function: ref } = record.definition
    const base = { name, stream, function: parseFunctionRef(ref)?.name ?? ref }
    const unknown = { ...base, partitions: undefined, lag: undefined, oldestMs: undefined }
    if (log === undefined) return unknown
    try {
      const ends = await this.#view.ends.of(log)
      const taken = new Map(dispatch?.partitions().map(each => [each.partition, each]))
      const isAllHere = taken.size >= ends.length
      const committed = isAllHere ? undefined : await log.committed(groupOf(record.uid))
      let oldestMs = Infinity
      let sum = dispatch?.parkedEvents ?? 0
      const partitions: PartitionLag[] = []
      for (const [partition, { end, low }] of ends.entries()) {
        const here = taken.get(partition)
        const place = committed?.get(partition) ?? low
        const done = here?.completed ?? place
        const lag = Math.max(0, end - done)
        partitions.push({ partition, committed: here?.committed ?? place, lag })
        sum += lag
        if (lag > 0) oldestMs = Math.min(oldestMs, here?.oldestMs ?? (await this.#timestampAt(log, partition, done)))
      }
      if (dispatch === undefined || dispatch.parkedKeys > 0) {
        const parked = await this.#view.store.oldestParked(record.uid)
        oldestMs = Math.min(oldestMs, parked?.timestampMs ?? Infinity)
      }
      return { ...base, partitions, lag: sum, oldestMs: oldestMs === Infinity ? undefined : oldestMs }
    } catch {
      // Unknown is not zero: the series just end until the log answers again.
      return unknown
    }
  }

  /** Infinity when it is not known: a topic of Kafka is not read for this. */
  async #timestampAt(log: PartitionLog, partition: number, offset: number): Promise<number> {
    if (!(log instanceof EmbeddedLog)) return Infinity
    const found = this.#found.get(log) ?? new Map<number, { offset: number; timestampMs: number }>()
    this.#found.set(log, found)
    const known = found.get(partition)
    if (known?.offset === offset) return known.timestampMs
    const [record] = await log.browse(partition, offset, 1)
    if (record === undefined) return Infinity
    found.set(partition, { offset, timestampMs: record.timestampMs })
    return record.timestampMs
  }
}

/** Where a stream ends, by partition; nothing for one that cannot tell now. */
export async function endsOf(view: Pick<GatewayView, 'triggers' | 'streams' | 'ends'>) {
  const logs = new Map<string, PartitionLog>()
  for (const { name, log } of view.streams.values()) logs.set(name, log)
  for (const { log } of view.triggers.running.values()) logs.set(log.stream, log)
  const all = [...logs].map(async ([stream, log]): Promise<readonly [string, readonly PartitionEnds[]]> => {
    return [stream, await view.ends.of(log).catch(() => [])]
  })
  return Promise.all(all)
}
