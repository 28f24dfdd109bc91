import { simulate } from '../../src/controller/simulation/simulate.ts'
import * as shapes from '../../src/controller/simulation/load-shapes.ts'
import type { Load } from '../../src/controller/simulation/load.ts'
import type { CreateScaler } from '../../src/controller/simulation/scaler.ts'
import type { ScalingPolicy } from '../../src/functions/function-version.ts'

/** Room for every scaler to be wrong in; time to drain and idle time are the defaults. */
export const policy: ScalingPolicy = {
  minWorkers: 0,
  maxWorkers: 32,
  targetDrainMs: 2_000,
  scaleToZeroAfterMs: 60_000,
}

/** Means over the runs of one load under one scaler. */
export interface Compared {
  readonly reactionMs: number | undefined
  readonly settledMs: number | undefined
  /** Of the runs in which it reacted at all. */
  readonly overshoot: number | undefined
  readonly resizes: number
  readonly workerSeconds: number
  readonly p50DelayMs: number
  readonly p99DelayMs: number
  readonly lagAtEnd: number
}

/** Where in its own interval a scaler is when the load changes is luck: each load runs later by each of these. */
const laterByMs = [0, 5_100, 10_300, 15_400, 20_700, 25_800]

/** Nobody knows anything at the start; it is left out. */
const startMs = 60_000

export function compare(load: Load, scaler: CreateScaler, policyOf: ScalingPolicy = policy): Compared {
  const summaries = laterByMs.map((laterMs, seed) => {
    const options = { scaler, seed: seed + 1, measureFromMs: startMs + laterMs }
    return simulate(later(load, laterMs), policyOf, options).functions.map(({ summary }) => summary)
  })
  const all = summaries.flat()
  const changes = all.map(({ change }) => change).filter(change => change !== undefined)
  const sum = (value: (summary: (typeof all)[number]) => number): number =>
    all.reduce((total, summary) => total + value(summary), 0) / laterByMs.length
  const mean = (values: readonly (number | undefined)[]): number | undefined =>
    values.length === 0 || values.includes(undefined)
      ? undefined
      : (values as readonly number[]).reduce((total, value) => total + value, 0) / values.length
  return {
    reactionMs: mean(changes.map(({ reactionMs }) => reactionMs)),
    settledMs: mean(changes.map(({ settledMs }) => settledMs)),
    overshoot: mean(changes.map(({ overshoot }) => overshoot)),
    resizes: sum(({ resizes }) => resizes),
    workerSeconds: sum(({ workerSeconds }) => workerSeconds),
    p50DelayMs: sum(({ p50DelayMs }) => p50DelayMs) / (all.length / laterByMs.length),
    p99DelayMs: sum(({ p99DelayMs }) => p99DelayMs) / (all.length / laterByMs.length),
    lagAtEnd: sum(({ lagAtEnd }) => lagAtEnd),
  }
}

/** The load begins with its first rate and runs from there. */
function later(load: Load, laterMs: number): Load {
  return {
    ...load,
    durationMs: load.durationMs + laterMs,
    functions: load.functions.map(fn => ({
      ...fn,
      perS: atMs => fn.perS(Math.max(0, atMs - laterMs)),
      ...(fn.changesAtMs === undefined ? {} : { changesAtMs: fn.changesAtMs.map(atMs => atMs + laterMs) }),
    })),
  }
}

const waiting = (durationMs: number) => ({ durationMs, behaviour: shapes.ioBound })

/** What the baselines are tuned with. */
export const tuningLoads: readonly Load[] = [
  shapes.stepLoad(100, 1_000, 120_000, waiting(420_000)),
  shapes.sineLoad(1_000, 900, 300_000, waiting(600_000)),
  shapes.spikeLoad(200, 2_000, [120_000, 150_000], waiting(420_000)),
]

/** What is compared: the function that waits 20 ms, unless a name says otherwise. */
export const comparedLoads: readonly Load[] = [
  shapes.steadyLoad(1_000, 0.1, waiting(600_000)),
  shapes.stepLoad(100, 1_000, 120_000, waiting(420_000)),
  shapes.stepLoad(1_000, 100, 120_000, waiting(720_000)),
  shapes.rampLoad(100, 2_000, [60_000, 360_000], waiting(480_000)),
  shapes.sineLoad(1_000, 900, 300_000, waiting(600_000)),
  shapes.sawtoothLoad(100, 2_000, 120_000, waiting(600_000)),
  shapes.spikeLoad(200, 2_000, [120_000, 150_000], waiting(420_000)),
  shapes.squareLoad(200, 1_500, 120_000, waiting(600_000)),
  {
    ...shapes.stepLoad(20, 140, 120_000, { durationMs: 420_000, behaviour: shapes.cpuBound }),
    name: 'step 20→140/s, computing 10 ms',
  },
  {
    ...shapes.stepLoad(100, 1_000, 120_000, waiting(420_000)),
    name: 'step 100→1000/s, callee bears 500/s',
    functions: shapes
      .stepLoad(100, 1_000, 120_000, waiting(420_000))
      .functions.map(load => ({ ...load, behaviour: { ...load.behaviour, downstreamPerS: 500 } })),
  },
  shapes.mixedLoad('step of one that waits beside one that computes', [
    shapes.stepLoad(100, 1_000, 120_000, { ...waiting(420_000), function: 'waits' }),
    shapes.steadyLoad(60, 0.1, { durationMs: 420_000, behaviour: shapes.cpuBound, function: 'computes' }),
  ]),
]
