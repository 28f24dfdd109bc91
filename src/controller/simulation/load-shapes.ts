import { seededRandom } from './random.ts'
import type { Behaviour, FunctionLoad, Load } from './load.ts'

/** Typical behaviours: mostly waiting, as for a database; and computing. */
export const ioBound: Behaviour = { serviceTimeMs: 20, cpuTimeMs: 0.4, concurrency: 8 }
export const cpuBound: Behaviour = { serviceTimeMs: 10, cpuTimeMs: 10, concurrency: 1 }

/** What a shape needs to know beside its own figures. */
export interface ShapeOptions {
  readonly durationMs: number
  readonly behaviour: Behaviour
  /** Name of the function. Default `fn`. */
  readonly function?: string
  readonly arrivals?: 'poisson' | 'even'
}

type Rate = (atMs: number) => number

/** The same rate all the time, off by up to `noise` (0.1 is ±10 %) for a second at a time. */
export function steadyLoad(perS: number, noise: number, options: ShapeOptions, seed = 1): Load {
  const random = seededRandom(seed)
  const factors = Array.from({ length: Math.ceil(options.durationMs / 1000) + 1 }, () => 1 + noise * (2 * random() - 1))
  const rate: Rate = atMs => perS * (factors[Math.floor(atMs / 1000)] ?? 1)
  return shaped(noise === 0 ? 'steady' : `steady ±${Math.round(noise * 100)} %`, rate, options)
}

/** From one rate to another at once. */
export function stepLoad(from: number, to: number, atMs: number, options: ShapeOptions): Load {
  return shaped(`step ${from}→${to}/s`, t => (t < atMs ? from : to), options, [atMs])
}

/** From one rate to another in a straight line. */
export function rampLoad(
  from: number,
  to: number,
  between: readonly [fromMs: number, toMs: number],
  options: ShapeOptions,
): Load {
  const [start, end] = between
  const rate: Rate = t => from + (to - from) * Math.min(Math.max((t - start) / (end - start), 0), 1)
  return shaped(`ramp ${from}→${to}/s`, rate, options, [start])
}

export function sineLoad(mean: number, amplitude: number, periodMs: number, options: ShapeOptions): Load {
  const rate: Rate = t => Math.max(0, mean - amplitude * Math.cos((2 * Math.PI * t) / periodMs))
  return shaped(`sine ${mean}±${amplitude}/s`, rate, options)
}

/** Rises in a straight line and falls at once, again and again. */
export function sawtoothLoad(from: number, to: number, periodMs: number, options: ShapeOptions): Load {
  return shaped(`sawtooth ${from}–${to}/s`, t => from + ((to - from) * (t % periodMs)) / periodMs, options)
}

/** Half of each period low, half high. */
export function squareLoad(low: number, high: number, periodMs: number, options: ShapeOptions): Load {
  return shaped(`square ${low}/${high}/s`, t => (t % periodMs < periodMs / 2 ? low : high), options)
}

/** A short time of much more. */
export function spikeLoad(
  base: number,
  peak: number,
  between: readonly [fromMs: number, toMs: number],
  options: ShapeOptions,
): Load {
  const [start, end] = between
  return shaped(`spike ${base}→${peak}/s`, t => (t >= start && t < end ? peak : base), options, [start])
}

/** Several functions on one machine; it lasts as long as the longest. */
export function mixedLoad(name: string, loads: readonly Load[]): Load {
  return {
    name,
    durationMs: Math.max(...loads.map(({ durationMs }) => durationMs)),
    functions: loads.flatMap(({ functions, durationMs }) =>
      functions.map(load => ({ ...load, perS: (atMs: number) => (atMs < durationMs ? load.perS(atMs) : 0) })),
    ),
  }
}

function shaped(name: string, perS: Rate, options: ShapeOptions, changesAtMs?: readonly number[]): Load {
  const { durationMs, behaviour, arrivals } = options
  const load: FunctionLoad = {
    name: options.function ?? 'fn',
    perS,
    behaviour,
    ...(arrivals === undefined ? {} : { arrivals }),
    ...(changesAtMs === undefined ? {} : { changesAtMs }),
  }
  return { name, durationMs, functions: [load] }
}
