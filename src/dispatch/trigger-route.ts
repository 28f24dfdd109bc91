import type { Invocation } from '../workers/invocation.ts'
import type { FrameSize } from './frame-size.ts'
import type { FrameSource } from './frame-source.ts'
import { ReadyQueue } from './lane.ts'
import type { TriggerDispatch } from './trigger-dispatch.ts'
import type { VersionDispatch } from './version-dispatch.ts'

/**
 * What a trigger has for one version: the keys that are ready for it.
 *
 *   (none) ──a key chooses the version──▶ attached ──the table changed, nothing ready or running──▶ detached
 */
export class TriggerRoute implements FrameSource {
  readonly trigger: TriggerDispatch
  readonly engine: VersionDispatch
  readonly ready = new ReadyQueue()
  /** Share of the trigger's keys in percent, when a key chose it last. */
  weight = 0
  /** Events of this trigger that are in frames of this version. */
  running = 0
  /** No key has chosen it since the table changed. */
  isStale = false
  isAttached = true

  constructor(trigger: TriggerDispatch, engine: VersionDispatch) {
    this.trigger = trigger
    this.engine = engine
  }

  get runnable(): number {
    return Math.min(this.ready.events, this.trigger.startable)
  }

  get runnableKeys(): number {
    // Probes are no reason for further workers.
    return Math.min(this.ready.lanes, this.trigger.state === 'probing' ? 1 : this.trigger.startable)
  }

  take(size: FrameSize, into: Invocation[]): void {
    this.trigger.take(this, size, into)
  }
}
