import type { Source } from '../../sources/source.ts'
import type { PauseRecord } from '../../store/home-store.ts'
import type { RunningTrigger, TriggerFleet } from '../fleet/trigger-fleet.ts'
import type { VersionEngine, VersionEngines } from '../fleet/version-engines.ts'
import type { PauseEnforcer } from './pause-board.ts'
import type { PauseScope } from './pause-scope.ts'

export interface EnforcePausesParts {
  readonly triggers: TriggerFleet
  readonly engines: VersionEngines
  readonly sources: ReadonlyMap<string, Source>
}

/** Carries pauses out where events run. */
export class EnforcePauses implements PauseEnforcer {
  readonly #parts: EnforcePausesParts

  constructor(parts: EnforcePausesParts) {
    this.#parts = parts
  }

  async enforce(scope: PauseScope, pause: PauseRecord): Promise<void> {
    switch (scope.kind) {
      case 'trigger':
        return this.#untilOn(scope.trigger, trigger => trigger.dispatch.pause(pause))
      case 'partition':
      case 'key':
        return this.#untilOn(scope.trigger, trigger => trigger.dispatch.pausePart(scope, pause))
      case 'version': {
        const paused = this.#enginesOf(scope).map(({ dispatch }) => dispatch.pause(pause))
        // In the same step: nothing is to stand ready for a version that does not take it.
        this.#reroute()
        await Promise.all(paused)
        return
      }
      case 'source':
        return this.#parts.sources.get(scope.source)?.pause(pause)
    }
  }

  async release(scope: PauseScope): Promise<void> {
    switch (scope.kind) {
      case 'trigger':
        this.#runningOf(scope.trigger)?.dispatch.resume()
        return
      case 'partition':
      case 'key':
        this.#runningOf(scope.trigger)?.dispatch.resumePart(scope)
        return
      case 'version':
        for (const { dispatch } of this.#enginesOf(scope)) dispatch.resume()
        this.#reroute()
        return
      case 'source':
        return this.#parts.sources.get(scope.source)?.resume()
    }
  }

  /** A change of the trigger may put another dispatch in the place of the one that was paused. */
  async #untilOn(uid: string, pause: (trigger: RunningTrigger) => Promise<void>): Promise<void> {
    for (;;) {
      const trigger = this.#runningOf(uid)
      if (trigger === undefined) return
      await pause(trigger)
      await this.#parts.triggers.settled(trigger.name)
      if (this.#runningOf(uid)?.dispatch === trigger.dispatch) return
    }
  }

  #runningOf(uid: string): RunningTrigger | undefined {
    for (const trigger of this.#parts.triggers.running.values()) if (trigger.record.uid === uid) return trigger
    return undefined
  }

  /** Those of an earlier deployment that still end what they have, too. */
  #enginesOf({ function: name, version }: { readonly function: string; readonly version: string }): VersionEngine[] {
    return this.#parts.engines.of(name).filter(engine => engine.version.version === version)
  }

  #reroute(): void {
    for (const { dispatch } of this.#parts.triggers.running.values()) dispatch.reroute()
  }
}
