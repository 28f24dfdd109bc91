import type { RegistryChange } from '../../src/registry/registry-change.ts'
import type { RegistryState } from '../../src/registry/registry-records.ts'
import type { Random } from '../chaos/random.ts'
import { codeOf, definitionOf, publish, putAlias, putFunction, putTrigger } from '../registry/registry-fixtures.ts'
import { versionHash } from '../../src/functions/version-hash.ts'
import { ConnectionLost } from './virtual-scheduler.ts'
import type { Simulation, TriggerJournal } from './simulation.ts'
import { streamName, type SimulatedGateway } from './simulated-gateway.ts'

const actions = ['pause', 'pause', 'move', 'publish', 'rebuild', 'hold'] as const

/** Somebody who creates, changes, pauses and resumes while everything runs. */
export class Operator {
  readonly #simulation: Simulation
  readonly #random: Random
  #builds = 0

  constructor(simulation: Simulation, random: Random) {
    this.#simulation = simulation
    this.#random = random
  }

  /** Makes the function, its alias and the triggers; asks again until they are there. */
  async install(): Promise<void> {
    const { maxInFlight } = this.#simulation.scenario
    while (
      !(await this.#ask(gateway =>
        gateway.change(state =>
          state.triggers.size > 0
            ? []
            : [
                this.#build(),
                publish('work', 1),
                putAlias('work', 'live', [[1, 100]]),
                this.#trigger('plain', maxInFlight),
                this.#trigger('piped', maxInFlight),
              ],
        ),
      ))
    )
      await this.#simulation.scheduler.sleep(20)
  }

  async run(): Promise<void> {
    const { scheduler, scenario } = this.#simulation
    for (let count = 0; count < scenario.operations; count++) {
      await scheduler.sleep(this.#random() * 500)
      const act = this.#random.pick(actions)
      // It stops a trigger and starts another one: only what could be finished within the limit is not repeated.
      if (act === 'rebuild' && (scenario.isRefusing || scenario.sinkAwayShare > 0)) continue
      this.#simulation.note(`operator: ${act}`)
      await this.#act(act)
    }
  }

  /** Takes back whatever hinders the triggers. */
  async calm(): Promise<void> {
    const { scheduler, journals } = this.#simulation
    const calmed = (gateway: SimulatedGateway): Promise<void> =>
      gateway
        .change(state =>
          [...state.triggers.values()].flatMap(({ name, definition }) =>
            definition.enabled
              ? []
              : [putTrigger(name, definition.function, { definition: { ...definition, enabled: true } })],
          ),
        )
        .then(async () => {
          // What a breaker has paused has to go on by itself.
          for (const name of journals.keys()) if (!gateway.isBroken(name)) await gateway.resume(name)
        })
    while (!(await this.#ask(calmed))) await scheduler.sleep(20)
  }

  #act(act: (typeof actions)[number]): Promise<void> {
    switch (act) {
      case 'pause':
        return this.#pause()
      case 'move':
        return this.#move()
      case 'publish':
        return this.#publish()
      case 'rebuild':
        return this.#rebuild()
      case 'hold':
        return this.#hold()
    }
  }

  async #pause(): Promise<void> {
    const { scheduler } = this.#simulation
    const journal = this.#anyTrigger()
    const { name } = journal
    const isConfirmed = await this.#ask(async gateway => {
      await gateway.pause(name)
      if (gateway.triggers.running.get(name)?.dispatch.state !== 'paused') throw new ConnectionLost('taken back')
    })
    const fromUs = scheduler.nowUs
    await scheduler.sleep(this.#random() * 800)
    if (isConfirmed) journal.pauses.push({ fromUs, toUs: scheduler.nowUs })
    while (!(await this.#ask(gateway => gateway.resume(name)))) await scheduler.sleep(20)
  }

  /** Gives the alias other weights, over the two newest versions. */
  async #move(): Promise<void> {
    const share = this.#random.pick([0, 10, 50, 100])
    await this.#change(state => {
      const { lastVersion } = state.functions.get('work')!
      const other = Math.max(1, lastVersion - 1)
      if (lastVersion === other) return []
      return [
        putAlias('work', 'live', [
          [other, 100 - share],
          [lastVersion, share],
        ]),
      ]
    })
  }

  async #publish(): Promise<void> {
    await this.#change(state => [this.#build(), publish('work', state.functions.get('work')!.lastVersion + 1)])
  }

  /** Another window: the trigger is stopped and built again. */
  async #rebuild(): Promise<void> {
    const { name } = this.#anyTrigger()
    const { maxInFlight } = this.#simulation.scenario
    const other = Math.max(1, maxInFlight - this.#random.below(2))
    await this.#change(state => [this.#trigger(name, other, state.triggers.get(name)?.definition.enabled)])
  }

  async #hold(): Promise<void> {
    const { name } = this.#anyTrigger()
    const enabled = (isEnabled: boolean) => (state: RegistryState) => [
      this.#trigger(name, state.triggers.get(name)!.definition.maxInFlight, isEnabled),
    ]
    await this.#change(enabled(false))
    await this.#simulation.scheduler.sleep(this.#random() * 500)
    await this.#change(enabled(true))
  }

  #change(changes: (state: RegistryState) => readonly RegistryChange[]): Promise<boolean> {
    return this.#ask(gateway => gateway.change(changes))
  }

  #anyTrigger(): TriggerJournal {
    return this.#random.pick([...this.#simulation.journals.values()])
  }

  /** Code of its own each time, so that every version has a pool of its own. */
  #build(): RegistryChange {
    const { initialDelayMs, isDelayed, outages } = this.#simulation.scenario
    const code = codeOf(++this.#builds)
    const definition = definitionOf({
      timeoutMs: 1_000,
      concurrency: 4,
      retry: {
        // No event is to be a dead letter for an outage: run again after a crash it would succeed out of turn.
        ...{ maxAttempts: outages > 0 ? 100_000 : 4, initialDelayMs, maxDelayMs: 8_000, jitter: 0.2 },
        ...(isDelayed ? { mode: 'delayed' as const } : {}),
      },
      scaling: { minWorkers: 0, maxWorkers: 3, targetDrainMs: 500, scaleToZeroAfterMs: 2_000 },
    })
    return putFunction('work', this.#builds, { code, definition, hash: versionHash(definition, code) })
  }

  #trigger(name: string, maxInFlight: number, enabled = true): RegistryChange {
    const { ordering, breaker } = this.#simulation.scenario
    return putTrigger(name, 'work@live', {
      definition: {
        stream: streamName,
        enabled,
        function: 'work@live',
        ordering,
        start: 'earliest',
        sinks: name === 'piped' ? ['far'] : [],
        maxInFlight,
        ...(breaker === undefined ? {} : { breaker }),
      },
    })
  }

  /** Resolves with whether it was done. Refusals and lost connections are told, and no more. */
  async #ask(work: (gateway: SimulatedGateway) => Promise<void>): Promise<boolean> {
    const { machine, scheduler } = this.#simulation
    const { process, gateway } = machine
    if (process === undefined || gateway === undefined) return false
    try {
      await scheduler.call(process, () => work(gateway))
      return true
    } catch (error) {
      this.#simulation.note(`not done: ${String(error)}`)
      return false
    }
  }
}
