import { messageOf } from '../errors/sluice-error.ts'
import type { LogRecord } from '../log/log-record.ts'
import type { AssignedWindow } from './assigned-window.ts'
import { Delivery, type DeliveryOwner } from './delivery.ts'
import type { KeyOrder } from './key-order.ts'
import { Lane } from './lane.ts'
import type { ParkedKeys } from './parked-keys.ts'
import type { Settlement } from './settlement.ts'
import type { TriggerOptions } from './trigger-options.ts'

/** The parts of a trigger that a record may go to. */
export interface EventIntakeParts {
  readonly owner: DeliveryOwner
  readonly order: KeyOrder
  readonly parked: ParkedKeys
  readonly settlement: Settlement
}

/** What becomes of a record that enters a window: an event of its key, nothing, or a dead letter. */
export class EventIntake {
  readonly #options: TriggerOptions
  readonly #parts: EventIntakeParts

  constructor(options: TriggerOptions, parts: EventIntakeParts) {
    this.#options = options
    this.#parts = parts
  }

  admit(window: AssignedWindow, record: LogRecord, sequence: number): void {
    const { owner, order, parked, settlement } = this.#parts
    settlement.counters.received++
    const { feed, filter, ordering } = this.#options
    let key: string
    let carried: LogRecord
    try {
      const problem = feed.reader.problem(record)
      if (problem !== undefined) return this.#refuse(window, record, sequence, problem.reason, problem.message)
      if (filter !== undefined && !filter(feed.reader, record)) {
        settlement.counters.filtered++
        window.tracker.complete(sequence)
        return
      }
      key = ordering === 'key' ? feed.reader.key(record) : ''
      carried = feed.reader.resolve === undefined ? record : feed.reader.resolve(record)
    } catch (thrown) {
      // Whatever is wrong with this record, it must not end the subscription for all that come after it.
      return this.#refuse(window, record, sequence, 'unreadable', messageOf(thrown))
    }
    if (parked.hasLone(window.partition, record.offset)) {
      // It was set aside before its offset was committed, and the store has it with its attempts.
      window.tracker.complete(sequence)
      return
    }
    const lane = ordering === 'partition' ? window.partitionLane : window.laneOf(key)
    const delivery = new Delivery(owner, lane, feed, carried, window.partition, window.epoch, sequence)
    window.entered(delivery.byteLength)
    if (parked.size > 0 && parked.has(window.partition, key)) settlement.joinParked(window, delivery)
    else order.push(delivery)
  }

  /** The record cannot become an event: a dead letter, or skipped where the stream's policy says so. */
  #refuse(window: AssignedWindow, record: LogRecord, sequence: number, reason: string, message: string): void {
    const { feed, skips } = this.#options
    const { owner, settlement } = this.#parts
    const delivery = new Delivery(owner, new Lane('', window), feed, record, window.partition, window.epoch, sequence)
    window.entered(delivery.byteLength)
    if (skips(reason)) {
      settlement.counters.skipped++
      settlement.complete(delivery)
    } else void settlement.bury(delivery, { stage: 'source', reason, message })
  }
}
