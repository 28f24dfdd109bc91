import type { ScalingPolicy } from '../../functions/function-version.ts'
import type { Machine } from '../fair-shares.ts'
import type { Behaviour } from './load.ts'

/** What a scaler sees of one simulated function. */
export interface FunctionView {
  readonly nowMs: number
  readonly wallMs: number
  /** Workers that were permitted last. */
  readonly desired: number
  /** Workers that have started. */
  readonly ready: number
  /** Workers with a frame. */
  readonly busy: number
  /** Events in handlers. */
  readonly running: number
  /** Events that wait; undefined while the lag cannot be read. */
  readonly waiting: number | undefined
  readonly runnableKeys: number
  readonly succeeded: number
  readonly failed: number
  readonly cpuMs: number
  readonly handlerMs: number
  readonly serviceTimeMs: number | undefined
  /** The cores were busy since the last decision. */
  readonly contended: boolean
}

export interface ScalerDecision {
  readonly workers: number
  readonly reason: string
}

/** Whatever decides about workers in a simulation: ours, or one that it is compared with. */
export interface Scaler {
  readonly name: string
  readonly intervalMs: number
  /** One decision per function, in their order. */
  decide(views: readonly FunctionView[]): readonly ScalerDecision[]
  /** Work waits and no worker is permitted; undefined: it has to wait for the next decision. */
  wake?(index: number): ScalerDecision | undefined
}

/** A function as a scaler is told of it. */
export interface ScaledFunction {
  readonly name: string
  readonly policy: ScalingPolicy
  readonly behaviour: Behaviour
}

export type CreateScaler = (functions: readonly ScaledFunction[], machine: Machine) => Scaler
