import type { RetryPolicy } from '../functions/function-version.ts'
import type { ResultPolicy } from '../sinks/result-policy.ts'
import type { Delivery } from './delivery.ts'
import type { VersionDispatch } from './version-dispatch.ts'

/** A version that runs some or all keys of a trigger, and what a trigger's retry overrides make of its policy. */
export interface RouteTarget {
  readonly engine: VersionDispatch
  /** Share in percent, above 0; the weights of a trigger's targets add up to 100. */
  readonly weight: number
  readonly retry: RetryPolicy
  /** What the results of this version may reach. */
  readonly policy: ResultPolicy
}

/**
 * Where the events of a trigger go now. Ordinary triggers have one set of targets; the trigger of asynchronous
 * invocations has one per version or alias that an event asks for. When an answer becomes another one, `reroute()` of the
 * trigger is called in the same step: no event is taken by a version that the table does not name any more.
 */
export interface RouteTable {
  /**
   * The targets for an event, preferably the same array until they change; empty: nothing can run it now, and it waits.
   * Called for every event when its key becomes ready, so it has to be cheap.
   * @throws {SluiceError} when nothing will ever run it: it becomes a dead letter of stage `handler` with that code.
   */
  targetsOf(delivery: Delivery): readonly RouteTarget[]
  /** Why {@link targetsOf} is empty, in words, such as `price@3 is not there`. */
  readonly problem?: string | undefined
}
