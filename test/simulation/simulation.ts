import type { PauseSpan, Run, SentEvent } from '../chaos/checker/history.ts'
import type { Random } from '../chaos/random.ts'
import type { OutgoingResult } from '../../src/sinks/sink.ts'
import type { FunctionVersion } from '../../src/functions/function-version.ts'
import { HandlerPlan, type PlannedEvent } from './handler-plan.ts'
import { judgeSimulation, type SimulationVerdict } from './judge-simulation.ts'
import { FaultMaker } from './fault-maker.ts'
import { Operator } from './operator.ts'
import { EventSenders } from './event-senders.ts'
import { randomOf, scenarioOf, type Scenario } from './scenario.ts'
import { SimulatedDisk } from './simulated-files.ts'
import type { GatewayMachine } from './simulated-gateway.ts'
import { SimulatedMachine } from './simulated-machine.ts'
import { simulatedSink } from './simulated-sink.ts'
import type { HandlerSurroundings } from './simulated-pool.ts'
import { useVirtualGlobals } from './virtual-globals.ts'
import type { VirtualProcess } from './virtual-process.ts'
import { VirtualScheduler } from './virtual-scheduler.ts'

/** One trigger as the world sees it: what its function did, or what reached the far end of its sink. */
export interface TriggerJournal {
  readonly name: string
  readonly runs: Run[]
  /** When its function was called. */
  readonly starts: { readonly id: string; readonly startUs: number }[]
  readonly pauses: PauseSpan[]
}

export interface SimulationResult extends SimulationVerdict {
  readonly seed: number
  /** Of everything that happened, in order. */
  readonly digest: string
  readonly steps: readonly string[]
  readonly virtualMs: number
}

/** Longest time in which everything must be done after the last trouble is over, in virtual ms. */
const settleLimitMs = 600_000
const farSink = 'far'

/** Plays one seed from beginning to end, on virtual time alone. */
export async function simulate(seed: number, keepsTrace = false): Promise<SimulationResult> {
  const simulation = new Simulation(scenarioOf(seed), keepsTrace)
  const restore = useVirtualGlobals(simulation.scheduler, randomOf(seed, 'globals'))
  try {
    return await simulation.run()
  } finally {
    restore()
  }
}

/** A world with one machine in it. */
export class Simulation {
  readonly scenario: Scenario
  readonly scheduler: VirtualScheduler
  readonly plan: HandlerPlan
  readonly machine: SimulatedMachine
  readonly sent = new Map<string, SentEvent & { outcome: SentEvent['outcome'] }>()
  readonly journals: ReadonlyMap<string, TriggerJournal>
  /** Anything that was promised beside what the judge of histories knows. */
  readonly problems: string[] = []
  readonly #network: Random
  readonly #handlers: Random
  readonly #notes: string[] = []
  readonly #keepsTrace: boolean
  #marker: number
  #ids = 0
  isHealed = false

  constructor(scenario: Scenario, keepsTrace = false) {
    this.scenario = scenario
    this.#keepsTrace = keepsTrace
    const { seed } = scenario
    const { stallShare } = scenario
    this.scheduler = new VirtualScheduler({ random: randomOf(seed, 'schedule'), stallShare })
    this.#handlers = randomOf(seed, 'handlers')
    this.#network = randomOf(seed, 'network')
    this.#marker = seed
    this.plan = new HandlerPlan(scenario.trouble, this.#handlers)
    this.journals = new Map(['plain', 'piped'].map(name => [name, { name, runs: [], starts: [], pauses: [] }]))
    this.machine = new SimulatedMachine({
      scheduler: this.scheduler,
      random: randomOf(seed, 'network'),
      disk: new SimulatedDisk(this.scheduler, randomOf(seed, 'disk')),
      partsOf: process => this.#partsOf(process),
      stopsCleanly: !scenario.isRefusing,
      onNote: note => this.note(note),
    })
  }

  note(line: string): void {
    const told = `${this.scheduler.nowMs.toFixed(3)} ${line}`
    this.scheduler.trace.text(told)
    if (this.#keepsTrace) this.#notes.push(told)
  }

  async run(): Promise<SimulationResult> {
    const { scheduler, scenario } = this
    await scheduler.until(this.#live())
    const verdict = judgeSimulation(this)
    return {
      ...verdict,
      seed: scenario.seed,
      digest: scheduler.trace.digest,
      steps: this.#notes,
      virtualMs: scheduler.nowMs,
    }
  }

  async #live(): Promise<void> {
    const { scheduler, machine } = this
    machine.start()
    const operator = new Operator(this, randomOf(this.scenario.seed, 'operator'))
    await operator.install()
    const senders = new EventSenders(this, randomOf(this.scenario.seed, 'senders'))
    const faults = new FaultMaker(this, randomOf(this.scenario.seed, 'faults'))
    const sending = senders.run()
    const operating = operator.run()
    const away = this.#outages()
    await faults.run()
    await operating
    await away
    this.#heal()
    await operator.calm()
    await sending
    const isSettled = await this.#settle()
    if (!isSettled)
      this.problems.push(`not settled ${settleLimitMs} ms after the last trouble: ${await this.#whatWaits()}`)
    machine.restarts = false
    await machine.stop(60_000)
    await scheduler.sleep(1)
  }

  /** What the function calls goes away, and comes back. */
  async #outages(): Promise<void> {
    const { scheduler, scenario, plan } = this
    const random = randomOf(scenario.seed, 'outages')
    for (let count = 0; count < scenario.outages; count++) {
      await scheduler.sleep(random() * 600)
      plan.isAway = true
      this.note('outage: begins')
      await scheduler.sleep(random() * 3_000)
      plan.isAway = false
      this.note('outage: is over')
    }
  }

  #heal(): void {
    this.isHealed = true
    this.plan.isHealed = true
    const { disk } = this.machine
    disk.faults.fullShare = 0
    disk.faults.failureShare = 0
    this.machine.isStoreLocked = false
    this.note('healed')
  }

  async #settle(): Promise<boolean> {
    const { scheduler, machine } = this
    const untilMs = scheduler.nowMs + settleLimitMs
    for (let waitMs = 20; scheduler.nowMs < untilMs; waitMs = Math.min(waitMs * 1.2, 5_000)) {
      await scheduler.sleep(waitMs)
      const { process, gateway } = machine
      if (process === undefined || gateway === undefined) continue
      if (await scheduler.call(process, () => gateway.isSettled()).catch(() => false)) return true
    }
    return false
  }

  #whatWaits(): Promise<string> {
    const { gateway } = this.machine
    if (gateway === undefined) return Promise.resolve('the gateway is down')
    const triggers = [...gateway.triggers.running.values()].map(({ name, dispatch }) => {
      const { state, detail, parkedKeys, running, runnable } = dispatch
      return `${name} ${JSON.stringify({ state, detail, parkedKeys, running, runnable, partitions: dispatch.partitions() })}`
    })
    return Promise.resolve(triggers.join('; '))
  }

  #partsOf(process: VirtualProcess): Omit<GatewayMachine, 'files' | 'store' | 'onFatal'> {
    const { scheduler, scenario } = this
    const random = this.#network
    const latencyMs = (): number => (random.chance(0.05) ? random() * 200 : random() * 5)
    const far = simulatedSink(farSink, scheduler, process, result => this.#takeResult(result), latencyMs)
    return {
      sinks: new Map([[farSink, far]]),
      handlers: this.#handlersOf(process),
      partitions: scenario.partitions,
      segmentBytes: scenario.segmentBytes,
      retentionBytes: scenario.retentionBytes,
      snapshotCommands: scenario.snapshotCommands,
      random32: () => (this.#marker = (Math.imul(this.#marker, 0x9e3779b1) + 0x7f4a7c15) >>> 0),
      randomId: () => `id-${this.#ids++}`,
      onLogLine: line => this.note(`  ${line}`),
    }
  }

  #handlersOf(process: VirtualProcess): HandlerSurroundings {
    const { scheduler, plan } = this
    return {
      begin: (trigger, id) => {
        this.journals.get(trigger)?.starts.push({ id, startUs: scheduler.nowUs })
        if (process === this.machine.process) this.#checkBreaker(trigger, id)
        return plan.begin(trigger, id)
      },
      ended: (trigger, { id, key, attempt, startUs, outcome }) => {
        this.note(`${process.name}: ${trigger} ran ${id} (attempt ${attempt}): ${outcome}`)
        // Of the piped trigger only what reaches the far end counts.
        if (trigger === 'piped') return
        this.#journal(trigger, { id, key, attempt, startUs, endUs: scheduler.nowUs, outcome })
      },
      resultsOf: (trigger, id) =>
        trigger === 'piped' ? [{ meta: {}, contentType: 'text/plain', data: Buffer.from(id) }] : [],
      permitted: (version, workers) => this.#checkPermits(version, workers),
      nowUs: () => scheduler.nowUs,
      sleep: ms => new Promise(resolve => scheduler.post(process, ms, resolve)),
      coldStartMs: () => 5 + this.#handlers() * 60,
    }
  }

  #takeResult({ value, cause }: OutgoingResult): 'taken' | 'away' {
    if (!this.isHealed && this.#network.chance(this.scenario.sinkAwayShare)) return 'away'
    const { nowUs } = this.scheduler
    const id = value.toString()
    this.note(`the far end took ${id}`)
    this.#journal('piped', {
      id,
      key: cause.partitionkey ?? '',
      attempt: 1,
      startUs: nowUs,
      endUs: nowUs,
      outcome: 'done',
    })
    return 'taken'
  }

  #journal(trigger: string, run: Omit<Run, 'sequence'>): void {
    this.journals.get(trigger)?.runs.push({ ...run, sequence: this.plan.get(run.id)?.sequence ?? -1 })
  }

  #checkPermits({ name, version, scaling }: FunctionVersion, workers: number): void {
    if (!Number.isInteger(workers) || workers < 0 || workers > scaling.maxWorkers)
      this.problems.push(`${name}@${version} was given ${workers} workers of 0 to ${scaling.maxWorkers}`)
  }

  /** A handler begins: while a breaker is open none may, and while it probes no more than its probes are under way. */
  #checkBreaker(trigger: string, id: string): void {
    const { breaker } = this.scenario
    const dispatch = this.machine.gateway?.triggers.running.get(trigger)?.dispatch
    if (breaker === undefined || dispatch === undefined) return
    const { state, running } = dispatch
    // It is durable only after it has stopped the trigger, and ends durably before the trigger goes on.
    const isOpen = this.machine.tables.pauses.get(`trigger:${dispatch.uid}`)?.failedProbes !== undefined
    if (state === 'paused' || (state === 'running' && isOpen))
      this.problems.push(`${trigger}: ${id} began while the breaker was open`)
    if (state === 'probing' && running > breaker.probes)
      this.problems.push(`${trigger}: ${running} events ran while ${breaker.probes} were to probe`)
  }

  /** An event is about to be sent for the first time. */
  sending(event: PlannedEvent): void {
    this.plan.add(event)
    const { id, key, sequence } = event
    this.sent.set(id, { id, key, sequence, outcome: 'unknown', copies: 1 })
  }
}
