import type { PauseRecord } from '../store/home-store.ts'
import type { Delivery } from './delivery.ts'
import type { Hold, PausedPart } from './hold.ts'
import { keyOf } from './trigger-routes.ts'

/** The pauses of parts of a trigger, as they are kept across restarts. */
export interface PartPauses {
  readonly partitions: ReadonlyMap<number, PauseRecord>
  readonly keys: ReadonlyMap<string, PauseRecord>
}

/**
 * Which partitions and keys of a trigger are paused. They are named by number and key, never by an assignment, so that a
 * rebalance changes nothing.
 *
 *   running ──set()──▶ paused: its events wait, a key's in the store, a partition's in the log ──delete()──▶ running
 */
export class PausedParts {
  readonly #partitions = new Map<number, PauseRecord>()
  readonly #keys = new Map<string, PauseRecord>()

  get isEmpty(): boolean {
    return this.#partitions.size === 0 && this.#keys.size === 0
  }

  get all(): readonly Hold[] {
    return [
      ...[...this.#partitions].map(([partition, pause]) => ({ kind: 'partition', partition, pause }) as const),
      ...[...this.#keys].map(([key, pause]) => ({ kind: 'key', key, pause }) as const),
    ]
  }

  restore({ partitions, keys }: PartPauses): void {
    for (const [partition, pause] of partitions) this.#partitions.set(partition, pause)
    for (const [key, pause] of keys) this.#keys.set(key, pause)
  }

  set(part: PausedPart, pause: PauseRecord): void {
    if (part.kind === 'partition') this.#partitions.set(part.partition, pause)
    else this.#keys.set(part.key, pause)
  }

  delete(part: PausedPart): void {
    if (part.kind === 'partition') this.#partitions.delete(part.partition)
    else this.#keys.delete(part.key)
  }

  has(part: PausedPart): boolean {
    return part.kind === 'partition' ? this.#partitions.has(part.partition) : this.#keys.has(part.key)
  }

  hasPartition(partition: number): boolean {
    return this.#partitions.has(partition)
  }

  /** Why an event may not start; undefined when it may. */
  holdOf(delivery: Delivery): Hold | undefined {
    if (this.isEmpty) return undefined
    const { partition } = delivery
    const ofPartition = this.#partitions.get(partition)
    if (ofPartition !== undefined) return { kind: 'partition', partition, pause: ofPartition }
    if (this.#keys.size === 0) return undefined
    const key = keyOf(delivery)
    const ofKey = this.#keys.get(key)
    return ofKey === undefined ? undefined : { kind: 'key', key, pause: ofKey }
  }
}

/** Whether an event belongs to a part. */
export function isOf(part: PausedPart, delivery: Delivery): boolean {
  return part.kind === 'partition' ? delivery.partition === part.partition : keyOf(delivery) === part.key
}
