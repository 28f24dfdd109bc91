import { versionHash } from '../../../src/functions/version-hash.ts'
import { groupOf } from '../../../src/gateway/home-streams.ts'
import type { PauseScope } from '../../../src/gateway/pauses/pause-scope.ts'
import { seededRandom, type Random } from '../../chaos/random.ts'
import { codeOf, definitionOf, publish, putAlias, putFunction, putTrigger } from '../../registry/registry-fixtures.ts'
import { incoming } from '../event-senders.ts'
import type { Try } from '../handler-plan.ts'
import { SimulatedDisk } from '../simulated-files.ts'
import { streamName, type GatewayMachine, type SimulatedGateway } from '../simulated-gateway.ts'
import { SimulatedMachine } from '../simulated-machine.ts'
import type { HandlerSurroundings } from '../simulated-pool.ts'
import { useVirtualGlobals } from '../virtual-globals.ts'
import type { VirtualProcess } from '../virtual-process.ts'
import { VirtualScheduler } from '../virtual-scheduler.ts'
import { scopes, type Command, type ScopeName } from './command.ts'
import { maxAttempts, Reference } from './reference.ts'

const triggerName = 'plain'
/** Longest time in which everything must be done when nothing hinders it any more, in virtual ms. */
const settleLimitMs = 300_000

/** A handler that waits to be told how it ends. */
interface OpenHandler {
  readonly process: VirtualProcess
  readonly id: string
  readonly end: (how: Extract<Command, { do: 'end' }>['how']) => void
}

/** Plays one sequence on the real log, intake, registry, dispatch and controller. Gives what the reference does not allow. */
export async function playSequence(
  commands: readonly Command[],
  seed: number,
  onNote: (note: string) => void = () => undefined,
): Promise<readonly string[]> {
  const player = new SequencePlayer(seed, onNote)
  const restore = useVirtualGlobals(player.scheduler, seededRandom(seed ^ 0x5bd1e995))
  try {
    return await player.play(commands)
  } finally {
    restore()
  }
}

class SequencePlayer {
  readonly scheduler: VirtualScheduler
  readonly #machine: SimulatedMachine
  readonly #reference: Reference
  readonly #random: Random
  readonly #onNote: (note: string) => void
  readonly #resumes = new Map<ScopeName, number>()
  #open: OpenHandler[] = []
  /** Told to stop; a second signal is no second stop. */
  #stopping: VirtualProcess | undefined
  #ids = 0
  #marker: number
  /** Handlers end by themselves. */
  #isFinishing = false

  constructor(seed: number, onNote: (note: string) => void) {
    this.#random = seededRandom(seed)
    this.#marker = seed
    this.#onNote = onNote
    this.scheduler = new VirtualScheduler({ random: seededRandom(seed + 1) })
    const { scheduler } = this
    this.#machine = new SimulatedMachine({
      scheduler,
      random: seededRandom(seed + 2),
      disk: new SimulatedDisk(scheduler, seededRandom(seed + 3)),
      partsOf: process => this.#partsOf(process),
      stopsCleanly: true,
      onNote: note => this.#note(note),
      onEnded: kind => this.#reference.processEnded(kind === 'clean'),
    })
    const { tables } = this.#machine
    this.#reference = new Reference({
      isDeadLetter: id => [...tables.letters.values()].some(({ eventId }) => eventId === id),
      isParked: id => [...tables.parked.values()].some(({ value }) => Buffer.from(value ?? '').toString() === id),
    })
  }

  async play(commands: readonly Command[]): Promise<readonly string[]> {
    await this.scheduler.until(this.#live(commands))
    const { uncaught } = this.scheduler
    return [...this.#reference.violations, ...uncaught.map(error => `a task threw: ${String(error)}`)]
  }

  async #live(commands: readonly Command[]): Promise<void> {
    const { scheduler } = this
    this.#machine.start()
    while (!(await this.#ask(gateway => this.#install(gateway)))) await scheduler.sleep(5)
    for (const command of commands) {
      this.#note(JSON.stringify(command))
      await this.#do(command)
      await scheduler.sleep(2)
      await this.#checkCommits()
    }
    await this.#finish()
  }

  async #do(command: Command): Promise<void> {
    const { scheduler } = this
    switch (command.do) {
      case 'append':
        return this.#append(command.keys)
      case 'wait':
        return scheduler.sleep(command.ms)
      case 'end': {
        this.#open = this.#open.filter(({ process }) => !process.isDead)
        const handler = this.#open.splice(command.which % Math.max(1, this.#open.length), 1)[0]
        handler?.end(command.how)
        return
      }
      case 'pause':
        // Nobody waits: a handler that runs may end by a later command.
        void this.#pause(command.scope)
        return
      case 'resume':
        return this.#resume(command.scope)
      case 'crash':
        if (command.how === 'kill') this.#machine.kill()
        else this.#machine.losePower()
        return
      case 'stop':
        if (this.#machine.process === this.#stopping) return
        this.#stopping = this.#machine.process
        void this.#machine.stop(command.drainMs)
    }
  }

  async #append(keys: readonly number[]): Promise<void> {
    const { gateway } = this.#machine
    if (gateway === undefined) return
    const ids = keys.map(key => this.#reference.create(`k${key}`))
    const events = ids.map(id => incoming({ id, key: id.split('-', 1)[0]!, sequence: 0, bad: 0, act: 'throw' }))
    await this.#ask(async () => {
      const places = await gateway.accept(events)
      for (const [index, id] of ids.entries()) this.#reference.acknowledged(id, places[index])
    })
  }

  async #pause(name: ScopeName): Promise<void> {
    const resumes = this.#resumes.get(name)
    const isConfirmed = await this.#ask(async gateway => {
      await gateway.triggers.settled(triggerName)
      const scope = scopeOf(gateway, name)
      await gateway.pauses.pause(scope, { reason: 'a sequence', by: 'model' }, Date.now())
      // Taken back meanwhile, or its gateway is being stopped: then nothing was confirmed.
      const known = gateway.pauses.all.find(({ record }) => record === gateway.pauses.of(scope))
      if (known?.isConfirmed === true && this.#resumes.get(name) === resumes) this.#reference.paused(name)
    })
    this.#note(`${isConfirmed ? 'paused' : 'not paused'}: ${name}`)
  }

  async #resume(name: ScopeName): Promise<void> {
    this.#resuming(name)
    await this.#ask(async gateway => {
      await gateway.triggers.settled(triggerName)
      await gateway.pauses.resume(scopeOf(gateway, name))
    })
  }

  /** From here on it may be over, whatever a pause that is on its way says. */
  #resuming(name: ScopeName): void {
    this.#resumes.set(name, (this.#resumes.get(name) ?? 0) + 1)
    this.#reference.resuming(name)
  }

  async #checkCommits(): Promise<void> {
    const { gateway } = this.#machine
    if (gateway === undefined) return
    await this.#ask(async () => {
      const uid = gateway.state.triggers.get(triggerName)?.uid
      if (uid === undefined) return
      for (const [partition, offset] of await gateway.log.committed(groupOf(uid)))
        this.#reference.committed(partition, offset)
    })
  }

  async #finish(): Promise<void> {
    const { scheduler } = this
    this.#note('finishing')
    this.#isFinishing = true
    for (const { end, process } of this.#open) if (!process.isDead) end('done')
    for (const scope of scopes) {
      this.#resuming(scope)
      while (!(await this.#ask(gateway => gateway.pauses.resume(scopeOf(gateway, scope)).then(() => undefined))))
        await scheduler.sleep(5)
    }
    const untilMs = scheduler.nowMs + settleLimitMs
    let isSettled = false
    for (let waitMs = 5; !isSettled && scheduler.nowMs < untilMs; waitMs = Math.min(waitMs * 1.5, 2_000)) {
      await scheduler.sleep(waitMs)
      await this.#ask(async gateway => void (isSettled = await gateway.isSettled()))
    }
    if (!isSettled) this.#reference.violations.push(`not settled ${settleLimitMs} ms after the last trouble`)
    this.#reference.settled()
    await this.#checkCommits()
    this.#machine.restarts = false
    this.#machine.kill()
  }

  #install(gateway: SimulatedGateway): Promise<void> {
    return gateway.change(state => {
      if (state.triggers.size > 0) return []
      const definition = definitionOf({
        timeoutMs: 1_000,
        concurrency: 2,
        retry: { maxAttempts, initialDelayMs: 700, maxDelayMs: 8_000, jitter: 0 },
        scaling: { minWorkers: 1, maxWorkers: 3, targetDrainMs: 500, scaleToZeroAfterMs: 600_000 },
      })
      const code = codeOf(1)
      const trigger = { stream: streamName, enabled: true, function: 'work@live', ordering: 'key' as const }
      return [
        putFunction('work', 1, { code, definition, hash: versionHash(definition, code) }),
        publish('work', 1),
        putAlias('work', 'live', [[1, 100]]),
        putTrigger(triggerName, 'work@live', {
          definition: { ...trigger, start: 'earliest', sinks: [], maxInFlight: 6 },
        }),
      ]
    })
  }

  #partsOf(process: VirtualProcess): Omit<GatewayMachine, 'files' | 'store' | 'onFatal'> {
    return {
      sinks: new Map(),
      handlers: this.#handlersOf(process),
      partitions: 2,
      segmentBytes: 2_000,
      retentionBytes: undefined,
      snapshotCommands: 1_000,
      random32: () => (this.#marker = (Math.imul(this.#marker, 0x9e3779b1) + 0x7f4a7c15) >>> 0),
      randomId: () => `id-${this.#ids++}`,
      onLogLine: line => this.#note(`  ${line}`),
    }
  }

  #handlersOf(process: VirtualProcess): HandlerSurroundings {
    const { scheduler } = this
    return {
      begin: (_trigger, id, attempt, place) => {
        this.#note(`${process.name}: ${id} begins, attempt ${attempt}`)
        this.#reference.began(id, attempt, place)
        if (this.#isFinishing) return { act: 'done', tookMs: 1, isUntold: false }
        return new Promise<Try>(resolve => {
          const end: OpenHandler['end'] = how => scheduler.post(process, 0, () => resolve(this.#end(process, id, how)))
          this.#open.push({ process, id, end })
        })
      },
      ended: (_trigger, { id, outcome }) => {
        this.#note(`${process.name}: ${id} ${outcome}`)
        this.#reference.ended(id, outcome)
      },
      gone: (_trigger, id) => this.#reference.gone(id),
      resultsOf: () => [],
      permitted: () => undefined,
      nowUs: () => scheduler.nowUs,
      sleep: ms => new Promise(resolve => scheduler.post(process, ms, resolve)),
      coldStartMs: () => 5,
    }
  }

  #end(process: VirtualProcess, id: string, how: Parameters<OpenHandler['end']>[0]): Try {
    this.#note(`${process.name}: ${id} is to end: ${how}`)
    // These two are never told by the pool as they are.
    if (how === 'hang') this.#reference.ended(id, 'failed')
    if (how === 'untold') this.#reference.ended(id, 'died')
    const act = how === 'throw' ? 'throw' : how === 'hang' ? 'loop' : 'done'
    return { act, tookMs: 1 + this.#random() * 3, isUntold: how === 'untold' }
  }

  /** Resolves with whether it was done. */
  async #ask(work: (gateway: SimulatedGateway) => Promise<void>): Promise<boolean> {
    const { process, gateway } = this.#machine
    if (process === undefined || gateway === undefined) return false
    try {
      await this.scheduler.call(process, () => work(gateway))
      return true
    } catch (error) {
      this.#note(`not done: ${String(error)}`)
      return false
    }
  }

  #note(note: string): void {
    this.#onNote(`${this.scheduler.nowMs.toFixed(1)} ${note}`)
  }
}

function scopeOf(gateway: SimulatedGateway, name: ScopeName): PauseScope {
  const trigger = gateway.state.triggers.get(triggerName)?.uid ?? ''
  const [kind, which = ''] = name.split(' ')
  if (kind === 'key') return { kind: 'key', trigger, key: which }
  if (kind === 'partition') return { kind: 'partition', trigger, partition: Number(which) }
  return kind === 'version' ? { kind: 'version', function: 'work', version: '1' } : { kind: 'trigger', trigger }
}
