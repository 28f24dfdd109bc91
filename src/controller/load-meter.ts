/** What is read of one version at one moment; the counters only grow. */
export interface LoadReading {
  /** Monotonic. */
  readonly nowMs: number
  readonly succeeded: number
  /** Failed attempts. */
  readonly failed: number
  /** Events that wait or run. Undefined when a log could not tell. */
  readonly inSystem: number | undefined
  /** CPU time of the workers. */
  readonly cpuMs: number
  /** Sum of the durations of all handler calls, also of those at the same time. */
  readonly handlerMs: number
  /** Threads wait for a core: calls take longer than they would, so that their share of CPU time looks smaller. */
  readonly contended?: boolean
}

/** What follows from two or more readings. */
export interface Load {
  /** Work that arrives per second, repeated attempts included; follows steps within 2 s, and hardly follows noise. */
  readonly arrivalsPerS: number
  /** Attempts that ended since the last reading, per second. */
  readonly completedPerS: number
  /** Something arrived or ended since the last reading. */
  readonly active: boolean
  /** Share of failures among the latest attempts, 0 to 1; undefined before the 20th. */
  readonly failureShare: number | undefined
  /** CPU time of a call as a share of its duration, 0 to 1; undefined before the first. */
  readonly cpuShare: number | undefined
}

export interface LoadState {
  readonly last: LoadReading | undefined
  /** The last reading that knew what was in the system: arrivals are counted from there. */
  readonly known: LoadReading | undefined
  readonly arrivalsPerS: number
  /** Of the latest second, when it is far above the mean. */
  readonly surgePerS: number
  /** Time that the mean has seen, as far as it matters. */
  readonly observedS: number
  /** The latest intervals, newest first; at most {@link keptIntervals}. */
  readonly intervals: readonly Interval[]
  readonly failureShare: number
  readonly attempts: number
  readonly cpuShare: number | undefined
}

interface Interval {
  readonly seconds: number
  readonly arrived: number
}

export const initialLoadState: LoadState = {
  last: undefined,
  known: undefined,
  arrivalsPerS: 0,
  surgePerS: 0,
  observedS: 0,
  intervals: [],
  failureShare: 0,
  attempts: 0,
  cpuShare: undefined,
}

const keptIntervals = 4

/** Attempts that the share of failures remembers. */
const failureMemory = 20

/** Attempts that the share of CPU time remembers. */
const cpuMemory = 50

/** Above this share of busy cores threads wait for each other. */
export const contendedShare = 0.85

/** Events that the mean remembers, within these bounds of time: the fewer arrive, the longer chance has to be evened out. */
const meanMemoryEvents = 50
const meanMemoryS = { least: 5, most: 60 }

/** Closer together, two readings say nothing. */
const minIntervalS = 0.02

/** Further apart, the clock jumped or the gateway stood still: a rate over such a time means nothing. */
const longestIntervalS = 10

/** A rate that differs from the mean by this factor and by more than chance explains is a step, not noise. */
const stepFactor = 1.3
const stepDeviations = 3.5

/** What is this far above the mean for a second is a surge: followed while it lasts, not remembered. */
const surgeFactor = 1.5
const surgeDeviations = 5

/**
 * Turns counters into rates. Arrivals are what was completed plus what the system holds more than before: so calls that
 * enter no stream count, and a backlog that is drained is not taken for arrivals.
 *
 * The mean is smooth; a step shows as two pairs of intervals that both differ from it. Pairs, because the end of a log
 * may be known only at every other reading; both, because a burst that is over is in the backlog already.
 */
export function measureLoad(
  reading: LoadReading,
  state: LoadState,
): { readonly load: Load; readonly state: LoadState } {
  const { last } = state
  const completed = reading.succeeded + reading.failed
  const elapsedS = last === undefined ? 0 : (reading.nowMs - last.nowMs) / 1000
  const ended = last === undefined ? 0 : completed - last.succeeded - last.failed
  // A clock or counter that went backwards, or is no number: begin again from here.
  if (last === undefined || !(elapsedS >= 0) || !(ended >= 0) || elapsedS === Infinity) {
    const usable = Number.isFinite(reading.nowMs) && Number.isFinite(completed)
    const from = usable ? reading : undefined
    const known = isCount(from?.inSystem) ? from : undefined
    // What came before the first reading is no rate, but tells what a call is like.
    const cpuShare = last === undefined ? shareOf(reading.cpuMs, reading.handlerMs) : state.cpuShare
    const next = { ...state, last: from, known, cpuShare }
    return { load: loadOf(next, 0, false), state: next }
  }
  if (elapsedS < minIntervalS) return { load: loadOf(state, 0, true), state }
  const flow = arrivalsSince(state.known, reading, completed)
  const next: LoadState = {
    last: reading,
    known: isCount(reading.inSystem) ? reading : state.known,
    ...(flow === undefined ? arrivalsOf(state) : follow(state, flow)),
    failureShare: blend(state.failureShare, (reading.failed - last.failed) / ended, ended / failureMemory),
    attempts: Math.min(state.attempts + ended, 1e9),
    cpuShare: cpuShareAfter(state.cpuShare, last, reading, ended),
  }
  return { load: loadOf(next, ended / elapsedS, ended > 0 || (flow?.arrived ?? 0) > 0), state: next }
}

function loadOf(state: LoadState, completedPerS: number, active: boolean): Load {
  const { arrivalsPerS, surgePerS, attempts, failureShare, cpuShare } = state
  return {
    arrivalsPerS: Math.max(arrivalsPerS, surgePerS),
    completedPerS,
    active,
    failureShare: attempts >= failureMemory ? failureShare : undefined,
    cpuShare,
  }
}

/** The mean after something new of a certain weight; a share, so within 0 and 1. */
function blend(mean: number, latest: number, weight: number): number {
  if (!(weight > 0) || !Number.isFinite(latest)) return mean
  return mean + (Math.min(Math.max(latest, 0), 1) - mean) * (1 - Math.exp(-weight))
}

function cpuShareAfter(
  share: number | undefined,
  last: LoadReading,
  reading: LoadReading,
  ended: number,
): number | undefined {
  const latest = shareOf(reading.cpuMs - last.cpuMs, reading.handlerMs - last.handlerMs)
  if (latest === undefined || (reading.contended === true && latest < (share ?? 0))) return share
  return blend(share ?? latest, latest, ended / cpuMemory)
}

function shareOf(cpuMs: number, handlerMs: number): number | undefined {
  return handlerMs > 0 && cpuMs >= 0 && cpuMs < Infinity ? Math.min(cpuMs / handlerMs, 1) : undefined
}

function arrivalsSince(known: LoadReading | undefined, now: LoadReading, completed: number): Interval | undefined {
  if (known?.inSystem === undefined || !isCount(now.inSystem)) return undefined
  const seconds = (now.nowMs - known.nowMs) / 1000
  const arrived = completed - known.succeeded - known.failed + now.inSystem - known.inSystem
  return seconds > 0 && seconds <= longestIntervalS && Number.isFinite(arrived)
    ? { seconds, arrived: Math.max(0, arrived) }
    : undefined
}

type ArrivalFields = 'arrivalsPerS' | 'surgePerS' | 'observedS' | 'intervals'

function arrivalsOf({ arrivalsPerS, surgePerS, observedS, intervals }: LoadState): Pick<LoadState, ArrivalFields> {
  return { arrivalsPerS, surgePerS, observedS, intervals }
}

function follow(state: LoadState, flow: Interval): Pick<LoadState, ArrivalFields> {
  const intervals = [flow, ...state.intervals].slice(0, keptIntervals)
  const mean = state.arrivalsPerS
  const rate = flow.arrived / flow.seconds
  const memoryS = Math.min(Math.max(meanMemoryEvents / Math.max(mean, rate), meanMemoryS.least), meanMemoryS.most)
  const observedS = Math.min(state.observedS + flow.seconds, meanMemoryS.most)
  const weight = Math.max(1 - Math.exp(-flow.seconds / memoryS), flow.seconds / observedS)
  const smoothed = mean + (rate - mean) * weight
  const newer = pairOf(intervals, 0)
  const older = intervals.length === keptIntervals ? pairOf(intervals, 2) : undefined
  const surges = newer.perS > smoothed * surgeFactor && isMoreThanChance(newer, smoothed, surgeDeviations)
  const surgePerS = surges ? newer.perS : 0
  if (older === undefined) return { arrivalsPerS: smoothed, surgePerS, observedS, intervals }
  const isNewerNearer = Math.abs(newer.perS - smoothed) < Math.abs(older.perS - smoothed)
  const nearer = isNewerNearer ? newer : older
  const isStep =
    newer.perS > smoothed === older.perS > smoothed &&
    (nearer.perS > smoothed * stepFactor || nearer.perS < smoothed / stepFactor) &&
    isMoreThanChance(nearer, smoothed, stepDeviations)
  return { arrivalsPerS: isStep ? nearer.perS : smoothed, surgePerS, observedS, intervals }
}

interface Pair {
  readonly perS: number
  readonly seconds: number
}

function pairOf(intervals: readonly Interval[], from: number): Pair {
  const pair = intervals.slice(from, from + 2)
  const seconds = pair.reduce((sum, interval) => sum + interval.seconds, 0)
  return { perS: pair.reduce((sum, interval) => sum + interval.arrived, 0) / seconds, seconds }
}

/** Whether independent arrivals hardly ever differ that much from their mean. */
function isMoreThanChance({ perS, seconds }: Pair, mean: number, deviations: number): boolean {
  return Math.abs(perS - mean) > deviations * Math.sqrt(Math.max(mean, perS) / seconds)
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && value >= 0 && value < Infinity
}
