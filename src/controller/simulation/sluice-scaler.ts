import { fairShares, type Claim } from '../fair-shares.ts'
import { initialLoadState, measureLoad, type LoadState } from '../load-meter.ts'
import { decideWorkers, initialScalingState, type ScalingSample, type ScalingState } from '../scaling-decision.ts'
import { warmMinimum } from '../warm-window.ts'
import type { CreateScaler, FunctionView, ScaledFunction } from './scaler.ts'

interface Scaled {
  load: LoadState
  state: ScalingState
  claim: Claim
}

/** The controller of the gateway: the same decision, shares and meter, fed by the simulation. */
export const createSluiceScaler =
  (intervalMs = 500): CreateScaler =>
  (functions, machine) => {
    const scaled = functions.map((fn): Scaled => {
      const { minWorkers, maxWorkers, weight = 1 } = fn.policy
      const claim = {
        workers: minWorkers,
        cores: 0,
        coresPerWorker: 1,
        memoryMiBPerWorker: fn.behaviour.memoryMiB ?? 128,
        weight,
        minWorkers,
        maxWorkers,
      }
      return { load: initialLoadState, state: initialScalingState, claim }
    })
    return {
      name: 'Sluice',
      intervalMs,
      decide: views => {
        const limits = fairShares(
          scaled.map(({ claim }) => claim),
          machine,
        )
        return views.map((view, index) => {
          const fn = functions[index] as ScaledFunction
          const own = scaled[index] as Scaled
          const sample = { ...sampleOf(fn, view, own, machine.cores), limit: limits[index] }
          const decision = decideWorkers(sample, fn.policy, own.state)
          own.state = decision.state
          own.claim = { ...own.claim, ...decision.claim }
          return { workers: decision.desired, reason: decision.reason }
        })
      },
      wake: index => {
        const { policy } = functions[index] as ScaledFunction
        if ((policy.activationLagThreshold ?? 0) > 0) return undefined
        return { workers: Math.max(1, warmMinimum(policy, undefined)), reason: '0→1: the first event waits' }
      },
    }
  }

function sampleOf(fn: ScaledFunction, view: FunctionView, own: Scaled, cores: number): ScalingSample {
  const { nowMs, wallMs, succeeded, failed, cpuMs, handlerMs, running, waiting } = view
  const inSystem = waiting === undefined ? undefined : waiting + running
  const reading = { nowMs, succeeded, failed, cpuMs, handlerMs, inSystem, contended: view.contended }
  const { load, state } = measureLoad(reading, own.load)
  own.load = state
  return {
    nowMs,
    wallMs,
    workers: view.desired,
    ready: Math.min(view.ready, view.desired),
    busy: view.busy,
    running,
    backlog: waiting,
    runnableKeys: view.runnableKeys,
    ...load,
    serviceTimeMs: view.serviceTimeMs,
    concurrency: fn.behaviour.concurrency ?? 8,
    cores,
    contended: view.contended,
    coldStartMs: fn.behaviour.coldStartMs ?? 50,
  }
}
