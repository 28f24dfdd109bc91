import { parseFunctionRef, type FunctionRef } from '../../config/function-ref.ts'
import type { Delivery } from '../../dispatch/delivery.ts'
import type { TriggerDispatch } from '../../dispatch/trigger-dispatch.ts'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import { EmbeddedLog } from '../../log/embedded/embedded-log.ts'
import type { PartitionLog } from '../../log/partition-log.ts'
import type { RegistryState, TriggerDefinition, TriggerRecord } from '../../registry/registry-records.ts'
import type { InvocationOutcome } from '../../workers/invocation.ts'
import { groupOf } from '../home-streams.ts'
import { keepBreaker } from '../pauses/keep-breaker.ts'
import type { PauseBoard } from '../pauses/pause-board.ts'
import { buildTrigger, type TriggerParts } from './build-trigger.ts'
import type { FunctionRoutes } from './function-routes.ts'
import type { Shadows } from './shadows.ts'
import { TriggerRoutes } from './trigger-routes.ts'

/** A trigger with what belongs to it, for views and the controller. */
export interface RunningTrigger {
  readonly name: string
  readonly record: TriggerRecord
  readonly log: PartitionLog
  readonly dispatch: TriggerDispatch
  readonly routes: TriggerRoutes
  /** It belongs to the gateway: it reads asynchronous invocations, and is in no registry. */
  readonly isInternal?: true
}

/** A trigger that cannot run now: its events keep their place. */
export interface WaitingTrigger {
  readonly record: TriggerRecord
  readonly problem: string
}

export interface TriggerFleetOptions extends TriggerParts {
  readonly routes: FunctionRoutes
  readonly shadows: Shadows
  /** What is paused; a trigger asks whenever it is built. */
  readonly pauses: PauseBoard
}

/** Pause before a trigger is built again that could not be for a reason that passes, such as a locked store. */
const buildAgainMs = 1_000

/** Time beyond the longest attempt that a trigger gets to finish before it is replaced. */
const replaceGraceMs = 2_000

/**
 * The triggers of the registry, at work. Changes of one trigger are carried out one after the other:
 *
 *   (none) ──created──▶ running ──function, enabled, description──▶ running (its routes are swapped)
 *                          │  └──anything else──▶ stopped, then running again from the committed offsets
 *                          └──deleted──▶ stopped, its group forgotten
 *   A trigger whose stream or sink is not there waits, and says why; where the reason passes by itself it is built again.
 */
export class TriggerFleet {
  readonly #options: TriggerFleetOptions
  readonly #running = new Map<string, RunningTrigger>()
  readonly #waiting = new Map<string, WaitingTrigger>()
  /** The last change under way of each trigger. */
  readonly #changes = new Map<string, Promise<void>>()
  readonly #holding = new Set<Promise<void>>()
  #stopping = false

  constructor(options: TriggerFleetOptions) {
    this.#options = options
  }

  get running(): ReadonlyMap<string, RunningTrigger> {
    return this.#running
  }

  get waiting(): ReadonlyMap<string, WaitingTrigger> {
    return this.#waiting
  }

  /** The running trigger with this uid. */
  withUid(uid: string): RunningTrigger | undefined {
    for (const trigger of this.#running.values()) if (trigger.record.uid === uid) return trigger
    return undefined
  }

  async start(state: RegistryState): Promise<void> {
    for (const record of state.triggers.values()) await this.#create(record)
  }

  /** Follows a change of the registry; {@link settled} tells when it is carried out. */
  follow(before: RegistryState, after: RegistryState): void {
    for (const [name, record] of after.triggers) {
      const old = before.triggers.get(name)
      if (old === record) continue
      if (old !== undefined && old.uid !== record.uid) this.#enqueue(name, () => this.#remove(old))
      this.#enqueue(name, () => this.#put(record))
    }
    for (const [name, record] of before.triggers)
      if (!after.triggers.has(name)) this.#enqueue(name, () => this.#remove(record))
  }

  /** Resolves when every change of the trigger that was asked for is carried out. */
  async settled(name: string): Promise<void> {
    await this.#changes.get(name)
  }

  /**
   * Stops a trigger, changes something that only holds still while it is stopped, and starts it again, paused if it was.
   * Resolves with whether the trigger was running; rejects with what the change throws, when it is started again.
   */
  async between(name: string, change: (trigger: RunningTrigger) => Promise<void>): Promise<boolean> {
    let failure: { readonly thrown: unknown } | undefined
    let wasRunning = false
    this.#enqueue(name, async () => {
      const running = this.#running.get(name)
      if (running === undefined) return
      wasRunning = true
      await this.#stop(running)
      try {
        await change(running)
      } catch (thrown) {
        failure = { thrown }
      }
      await this.#create(running.record)
    })
    await this.settled(name)
    if (failure !== undefined) throw (failure as { readonly thrown: unknown }).thrown
    return wasRunning
  }

  /** Resolves when nothing runs any more of what was disabled. */
  async holdsSettled(): Promise<void> {
    await Promise.all(this.#holding)
  }

  /** Runs a trigger that is not in the registry: that of asynchronous invocations. */
  adopt(trigger: RunningTrigger): void {
    this.#running.set(trigger.name, trigger)
  }

  /** Stops one trigger that was adopted. */
  async dismiss(name: string, drainMs: number): Promise<void> {
    const trigger = this.#running.get(name)
    this.#running.delete(name)
    await trigger?.dispatch.stop(drainMs)
  }

  /** Resolves with whether all of them finished in time. */
  async stop(leftMs: () => number, failed: (name: string, error: unknown) => void): Promise<boolean> {
    this.#stopping = true
    await Promise.all(this.#changes.values())
    let drained = true
    await Promise.all(
      [...this.#running.values()].map(async ({ name, dispatch }) => {
        try {
          drained = (await dispatch.stop(leftMs())) && drained
        } catch (error) {
          drained = false
          failed(name, error)
        }
      }),
    )
    return drained
  }

  #enqueue(name: string, change: () => Promise<void>): void {
    const done = (this.#changes.get(name) ?? Promise.resolve())
      .then(() => (this.#stopping ? undefined : change()))
      .catch((error: unknown) => {
        this.#options.logger.error({ trigger: name, err: error }, `the change of trigger ${name} failed`)
      })
    this.#changes.set(name, done)
    void done.then(() => {
      if (this.#changes.get(name) === done) this.#changes.delete(name)
    })
  }

  async #put(record: TriggerRecord): Promise<void> {
    const { name } = record
    const running = this.#running.get(name)
    if (running === undefined) {
      this.#waiting.delete(name)
      return this.#create(record)
    }
    const { definition } = running.record
    if (isHotChange(definition, record.definition)) {
      this.#running.set(name, { ...running, record })
      if (definition.function !== record.definition.function) {
        const refs = this.#options.routes.open(refOf(record.definition))
        const old = running.routes.point(refs)
        this.#options.routes.close(old)
      }
      return this.#hold(this.#running.get(name) as RunningTrigger)
    }
    await this.#stop(running)
    return this.#create(record)
  }

  async #create(record: TriggerRecord): Promise<void> {
    const { name, uid, definition } = record
    const { routes: functions, shadows, pauses, logger } = this.#options
    const refs = functions.open(refOf(definition))
    const routes = new TriggerRoutes(refs, { stream: definition.stream, retry: definition.retry, functions })
    try {
      const keeper = keepBreaker(pauses, uid)
      // Nothing would ever end the pause of a breaker that was taken away.
      if (definition.breaker === undefined) await keeper.closed()
      const offer = (delivery: Delivery, outcome: InvocationOutcome): void =>
        shadows.offer(routes.refs, delivery, outcome)
      const built = buildTrigger(record, routes, this.#options, offer, keeper)
      const trigger: RunningTrigger = { name, record, routes, ...built }
      routes.onChange = () => {
        trigger.dispatch.reroute()
        // Another version may work where the one before did not.
        trigger.dispatch.breaker?.hasten()
        const current = this.#running.get(name)
        if (current !== undefined) this.#holdLater(current)
      }
      await this.#hold(trigger)
      // In one step with the look at the pauses: one that comes while it starts finds it.
      this.#running.set(name, trigger)
      await built.dispatch.start(pauses.of({ kind: 'trigger', trigger: uid }), pauses.partsOf(uid))
    } catch (error) {
      routes.close()
      this.#running.delete(name)
      this.#waiting.set(name, { record, problem: messageOf(error) })
      logger.warn({ trigger: name }, `trigger ${name} waits: ${messageOf(error)}`)
      if (SluiceError.from(error).retryable) this.#createLater(record)
    }
  }

  #createLater(record: TriggerRecord): void {
    const { name } = record
    const again = (): void =>
      this.#enqueue(name, () => (this.#waiting.get(name)?.record === record ? this.#put(record) : Promise.resolve()))
    setTimeout(again, buildAgainMs).unref()
  }

  #holdLater(trigger: RunningTrigger): void {
    const held = this.#hold(trigger).finally(() => this.#holding.delete(held))
    this.#holding.add(held)
  }

  /** Nothing starts while the trigger or its function is disabled. Resolves when that is so. */
  async #hold({ dispatch, record, routes }: RunningTrigger): Promise<void> {
    if (!record.definition.enabled) await dispatch.hold('the trigger is disabled')
    else if (!routes.refs.enabled) await dispatch.hold(`function ${routes.refs.ref.name} is disabled`)
    else dispatch.release()
  }

  async #stop({ name, dispatch, routes }: RunningTrigger): Promise<void> {
    const longestMs = Math.max(0, ...routes.refs.targets.map(({ engine }) => engine.version.timeoutMs))
    await dispatch.stop(longestMs + replaceGraceMs)
    this.#running.delete(name)
    routes.close()
  }

  async #remove(record: TriggerRecord): Promise<void> {
    const { name } = record
    this.#waiting.delete(name)
    const running = this.#running.get(name)
    if (running === undefined) return
    await this.#stop(running)
    // Its place, its parked events and its pause go with it; its dead letters stay.
    if (running.log instanceof EmbeddedLog) await running.log.forgetGroup(groupOf(record.uid))
    await this.#options.store.forgetTrigger(record.uid)
    this.#options.pauses.forget(scope => 'trigger' in scope && scope.trigger === record.uid)
  }
}

/** The pattern of the schema has been checked when the definition was made. */
export const refOf = ({ function: text }: TriggerDefinition): FunctionRef => parseFunctionRef(text) as FunctionRef

/** Whether a running trigger can take the change in without being stopped. */
function isHotChange(before: TriggerDefinition, after: TriggerDefinition): boolean {
  const cold = ({ function: _function, enabled: _enabled, description: _description, ...rest }: TriggerDefinition) =>
    JSON.stringify(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)))
  return cold(before) === cold(after)
}
