import { versionHash } from '../../../src/functions/version-hash.ts'
import { encodeEventHeader } from '../../../src/events/event-header-codec.ts'
import { partitionFor } from '../../../src/log/partitioner.ts'
import type { EventIdentity, Interruption, Run, SentEvent } from '../../chaos/checker/history.ts'
import { judge } from '../../chaos/checker/judge.ts'
import type { Verdict } from '../../chaos/checker/verdict.ts'
import { partSeed, seededRandom, type Random } from '../../chaos/random.ts'
import { findingsOf } from '../../chaos/verdict-figures.ts'
import { codeOf, definitionOf, publish, putAlias, putFunction, putTrigger } from '../../registry/registry-fixtures.ts'
import { HandlerPlan, planEvent, type TroubleShares } from '../handler-plan.ts'
import { SimulatedDisk } from '../simulated-files.ts'
import type { GatewayMachine, SimulatedGateway } from '../simulated-gateway.ts'
import { SimulatedMachine } from '../simulated-machine.ts'
import { useVirtualGlobals } from '../virtual-globals.ts'
import type { VirtualProcess } from '../virtual-process.ts'
import { VirtualScheduler } from '../virtual-scheduler.ts'
import { SimulatedTopic } from './simulated-topic.ts'

export interface RebalanceResult {
  readonly seed: number
  readonly verdict: Verdict
  readonly findings: readonly string[]
  readonly rebalances: number
  readonly refusedCommits: number
}

const maxInFlight = 12
const settleLimitMs = 600_000

/** A gateway on a Kafka topic whose group is rebalanced again and again, also while a stranger is in it. */
export async function simulateRebalances(seed: number, onNote?: (note: string) => void): Promise<RebalanceResult> {
  const simulation = new RebalanceSimulation(seed, onNote)
  const restore = useVirtualGlobals(simulation.scheduler, seededRandom(partSeed(seed, 99)))
  try {
    return await simulation.run()
  } finally {
    restore()
  }
}

class RebalanceSimulation {
  readonly scheduler: VirtualScheduler
  readonly #seed: number
  readonly #random: Random
  readonly #onNote: (note: string) => void
  readonly #partitions: number
  readonly #topic: SimulatedTopic
  readonly #machine: SimulatedMachine
  readonly #plan: HandlerPlan
  readonly #trouble: TroubleShares
  readonly #sent = new Map<string, SentEvent>()
  readonly #runs: Run[] = []
  /** Done by the stranger. */
  readonly #elsewhere = new Set<string>()
  readonly #done = new Set<string>()
  readonly #moves: Interruption[] = []
  readonly #problems: string[] = []
  #ids = 0
  #marker: number

  constructor(seed: number, onNote: (note: string) => void = () => undefined) {
    this.#seed = seed
    this.#onNote = onNote
    this.#marker = seed
    const random = (this.#random = seededRandom(partSeed(seed, 1)))
    this.scheduler = new VirtualScheduler({ random: seededRandom(partSeed(seed, 2)) })
    const { scheduler } = this
    this.#partitions = 1 + random.below(4)
    const trouble = (this.#trouble = {
      throws: random() * 0.3,
      poison: random() * 0.03,
      loops: 0.01,
      crashes: 0.02,
      untold: 0.01,
      meanMs: random.pick([1, 10, 60]),
    })
    this.#plan = new HandlerPlan(trouble, seededRandom(partSeed(seed, 3)))
    this.#topic = new SimulatedTopic({
      scheduler,
      random: seededRandom(partSeed(seed, 4)),
      partitions: this.#partitions,
      lateShare: random.pick([0, 0.1, 0.3]),
      onCommitted: (partition, records) => {
        for (const { value, offset } of records) this.#checkCommitted(partition, offset, String(value))
      },
      onElsewhere: ({ value }) => {
        this.#note(`the stranger did ${String(value)}`)
        this.#elsewhere.add(String(value))
      },
      onMoved: () => this.#moves.push({ atUs: scheduler.nowUs }),
    })
    this.#machine = new SimulatedMachine({
      scheduler,
      random: seededRandom(partSeed(seed, 5)),
      disk: new SimulatedDisk(scheduler, seededRandom(partSeed(seed, 6))),
      partsOf: process => this.#partsOf(process),
      // Leaving the group may repeat what a stop had no time to park: it is read by others as well.
      stopsCleanly: false,
      onNote: note => this.#note(note),
    })
  }

  async run(): Promise<RebalanceResult> {
    await this.scheduler.until(this.#live())
    const deadLetters: EventIdentity[] = [...this.#machine.tables.letters.values()].map(({ eventId }) =>
      this.#known(eventId),
    )
    const elsewhere = [...this.#elsewhere].map(id => this.#known(id))
    const verdict = judge(
      {
        sent: this.#sent,
        runs: this.#runs,
        // What somebody else has done is done.
        deadLetters: [...deadLetters, ...elsewhere],
        interruptions: [...this.#machine.interruptions, ...this.#moves],
        pauses: [],
        unreadable: 0,
      },
      {
        isOrdered: true,
        partitionOf: key => this.#partitionOf(key),
        window: maxInFlight,
        isDeduplicated: () => true,
        // What was in a frame when its partition went may begin and end after it has come back, and runs again then.
        otherRepeats: (this.#machine.leftParked.get('plain') ?? 0) + maxInFlight * this.#moves.length,
      },
    )
    const uncaught = this.scheduler.uncaught.map(
      error => `a task threw: ${error instanceof Error ? error.stack : String(error)}`,
    )
    const { rebalances, refusedCommits } = this.#topic
    return {
      ...{ seed: this.#seed, verdict, rebalances, refusedCommits },
      findings: [...this.#problems, ...uncaught, ...findingsOf(verdict)],
    }
  }

  async #live(): Promise<void> {
    const { scheduler } = this
    const random = this.#random
    this.#machine.start()
    while (!(await this.#ask(gateway => install(gateway)))) await scheduler.sleep(10)
    const sending = this.#send(30 + random.below(90))
    for (let trouble = 2 + random.below(8); trouble > 0; trouble--) {
      await scheduler.sleep(random() * 700)
      const kind = random.pick(['rebalance', 'rebalance', 'stranger', 'stranger', 'kill', 'stop'] as const)
      this.#note(`trouble: ${kind}`)
      if (kind === 'rebalance') this.#topic.rebalance()
      else if (kind === 'stranger') this.#topic.setStranger(random.chance(0.5))
      else if (kind === 'kill') this.#machine.kill()
      else await this.#machine.stop(random.pick([0, 50, 30_000]))
    }
    await sending
    this.#note('healed')
    this.#plan.isHealed = true
    this.#topic.setStranger(false)
    await this.#settle()
    this.#machine.restarts = false
    await this.#machine.stop(60_000)
  }

  async #send(events: number): Promise<void> {
    const { scheduler } = this
    const random = this.#random
    const keys = 2 + random.below(8)
    const sequences = new Map<string, number>()
    const pauseMs = random.pick([2, 20, 60])
    for (let count = 0; count < events; count++) {
      const key = `k${random.below(keys)}`
      const sequence = (sequences.get(key) ?? 0) + 1
      sequences.set(key, sequence)
      const id = `${key}-${sequence}`
      this.#plan.add(planEvent(id, key, sequence, this.#trouble, random))
      this.#sent.set(id, { id, key, sequence, outcome: 'acknowledged', copies: 1 })
      const header = { id, source: '/simulation', type: 'test', acceptedAtMs: Date.now(), hops: 0, partitionkey: key }
      this.#topic.append(this.#partitionOf(key), {
        ...{ key: Buffer.from(key), value: Buffer.from(id), timestampMs: Date.now(), headers: null },
        header: encodeEventHeader(header),
      })
      await scheduler.sleep(random() * pauseMs)
    }
  }

  async #settle(): Promise<void> {
    const { scheduler } = this
    const untilMs = scheduler.nowMs + settleLimitMs
    for (let waitMs = 20; scheduler.nowMs < untilMs; waitMs = Math.min(waitMs * 1.3, 5_000)) {
      await scheduler.sleep(waitMs)
      let hasParked = true
      await this.#ask(async gateway => {
        hasParked = (gateway.triggers.running.get('plain')?.dispatch.parkedKeys ?? 1) > 0
        return Promise.resolve()
      })
      if (!hasParked && this.#topic.isSettled) return
    }
    this.#problems.push(`not settled ${settleLimitMs} ms after the last trouble: ${this.#whatWaits()}`)
  }

  #whatWaits(): string {
    const dispatch = this.#machine.gateway?.triggers.running.get('plain')?.dispatch
    if (dispatch === undefined) return 'the gateway is down'
    const { state, detail, parkedKeys, running, runnable } = dispatch
    return JSON.stringify({ state, detail, parkedKeys, running, runnable, partitions: dispatch.partitions() })
  }

  #checkCommitted(partition: number, offset: number, id: string): void {
    const { tables } = this.#machine
    if (this.#done.has(id) || this.#elsewhere.has(id)) return
    for (const { eventId } of tables.letters.values()) if (eventId === id) return
    for (const { value } of tables.parked.values()) if (Buffer.from(value ?? '').toString() === id) return
    this.#problems.push(`${partition}/${offset} was committed and ${id} is not complete`)
  }

  #partsOf(process: VirtualProcess): Omit<GatewayMachine, 'files' | 'store' | 'onFatal'> {
    const { scheduler } = this
    return {
      topic: this.#topic.logOf(process),
      sinks: new Map(),
      handlers: {
        begin: (trigger, id) => this.#plan.begin(trigger, id),
        ended: (_trigger, { id, key, attempt, startUs, outcome }) => {
          this.#note(`${process.name}: ran ${id} (attempt ${attempt}): ${outcome}`)
          if (outcome === 'done') this.#done.add(id)
          const { sequence } = this.#known(id)
          this.#runs.push({ id, key, sequence, attempt, startUs, endUs: scheduler.nowUs, outcome })
        },
        resultsOf: () => [],
        permitted: () => undefined,
        nowUs: () => scheduler.nowUs,
        sleep: ms => new Promise(resolve => scheduler.post(process, ms, resolve)),
        coldStartMs: () => 20,
      },
      ...{ partitions: 1, segmentBytes: 100_000, retentionBytes: undefined, snapshotCommands: 1_000 },
      random32: () => (this.#marker = (Math.imul(this.#marker, 0x9e3779b1) + 0x7f4a7c15) >>> 0),
      randomId: () => `id-${this.#ids++}`,
      onLogLine: line => this.#note(`  ${line}`),
    }
  }

  #partitionOf(key: string): number {
    return partitionFor(Buffer.from(key), this.#partitions, () => 0)
  }

  #known(id: string): EventIdentity {
    return this.#sent.get(id) ?? { id, key: '', sequence: -1 }
  }

  async #ask(work: (gateway: SimulatedGateway) => Promise<void>): Promise<boolean> {
    const { process, gateway } = this.#machine
    if (process === undefined || gateway === undefined) return false
    return this.scheduler
      .call(process, () => work(gateway))
      .then(
        () => true,
        () => false,
      )
  }

  #note(note: string): void {
    this.#onNote(`${this.scheduler.nowMs.toFixed(1)} ${note}`)
  }
}

function install(gateway: SimulatedGateway): Promise<void> {
  return gateway.change(state => {
    if (state.triggers.size > 0) return []
    const retry = { maxAttempts: 4, initialDelayMs: 200, maxDelayMs: 4_000, jitter: 0.2 }
    const scaling = { minWorkers: 0, maxWorkers: 3, targetDrainMs: 500, scaleToZeroAfterMs: 2_000 }
    const definition = definitionOf({ timeoutMs: 1_000, concurrency: 4, retry, scaling })
    const code = codeOf(1)
    const trigger = { stream: 'topic', enabled: true, function: 'work@live', ordering: 'key' as const, maxInFlight }
    return [
      putFunction('work', 1, { code, definition, hash: versionHash(definition, code) }),
      publish('work', 1),
      putAlias('work', 'live', [[1, 100]]),
      putTrigger('plain', 'work@live', { definition: { ...trigger, start: 'earliest', sinks: [] } }),
    ]
  })
}
