import type { Random } from '../chaos/random.ts'
import { planEvent, type PlannedEvent } from './handler-plan.ts'
import type { Simulation } from './simulation.ts'
import type { IncomingEvent } from '../../src/sources/source.ts'

/**
 * Senders that wait for the acknowledgement of what they have sent before they send the next event of a key, and send
 * the same once more when there is none.
 */
export class EventSenders {
  readonly #simulation: Simulation
  readonly #random: Random
  readonly #sequences = new Map<string, number>()
  #left: number

  constructor(simulation: Simulation, random: Random) {
    this.#simulation = simulation
    this.#random = random
    this.#left = simulation.scenario.events
  }

  async run(): Promise<void> {
    const { keys } = this.#simulation.scenario
    const senders = Math.min(keys, 1 + this.#random.below(4))
    await Promise.all(
      Array.from({ length: senders }, (_, sender) => {
        const own = Array.from({ length: keys }, (_, key) => key).filter(key => key % senders === sender)
        return this.#send(own.map(key => `k${key}`))
      }),
    )
  }

  async #send(keys: readonly string[]): Promise<void> {
    const { scheduler, scenario } = this.#simulation
    while (this.#left > 0) {
      const count = Math.min(this.#left, keys.length, this.#random.chance(0.7) ? 1 : 1 + this.#random.below(6))
      this.#left -= count
      // Of a request that was cut short by a loss of power the later half may be kept: a key is in it once.
      const first = this.#random.below(keys.length)
      const events = Array.from({ length: count }, (_, index) => this.#create(keys[(first + index) % keys.length]!))
      for (const event of events) this.#simulation.sending(event)
      while (!(await this.#trySend(events))) await scheduler.sleep(5 + this.#random() * 100)
      await scheduler.sleep(this.#random() * scenario.pauseMs)
    }
  }

  #create(key: string): PlannedEvent {
    const sequence = (this.#sequences.get(key) ?? 0) + 1
    this.#sequences.set(key, sequence)
    return planEvent(`${key}-${sequence}`, key, sequence, this.#simulation.scenario.trouble, this.#random)
  }

  async #trySend(events: readonly PlannedEvent[]): Promise<boolean> {
    const { scheduler, machine, sent } = this.#simulation
    const { process, gateway } = machine
    if (process === undefined || gateway === undefined) return false
    try {
      await scheduler.call(process, () => gateway.accept(events.map(event => incoming(event))))
    } catch {
      return false
    }
    for (const { id } of events) sent.get(id)!.outcome = 'acknowledged'
    this.#simulation.note(`acknowledged ${events.map(({ id }) => id).join(' ')}`)
    return true
  }
}

export function incoming({ id, key }: PlannedEvent): IncomingEvent {
  return {
    header: {
      id,
      source: '/simulation',
      type: 'test',
      acceptedAtMs: Date.now(),
      hops: 0,
      partitionkey: key,
      dedupId: id,
    },
    value: Buffer.from(id),
  }
}
