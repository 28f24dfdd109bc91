import { figure, seconds } from './figure.ts'

/** What is remembered of how throughput answered to workers. */
export interface CapacityMemory {
  /** Throughput at full load by number of workers, ascending. */
  readonly levels: readonly CapacityLevel[]
  /** What workers were seen to do at full load, as a share of what service time and concurrency promise: 0.1 to 1. */
  readonly efficiency: number
  /** The calls behind it: how many workers should have done lately at full load, and did. */
  readonly promised: number
  readonly kept: number
  /** Growth beyond this brought nothing. Stays after its end, to hold longer when it turns out the same again. */
  readonly ceiling: Ceiling | undefined
  /** Workers and full load of the last observation. */
  readonly last: { readonly workers: number; readonly isFull: boolean } | undefined
}

interface CapacityLevel {
  readonly workers: number
  readonly completed: number
  readonly seconds: number
  /** Seconds of the present stay at this level. */
  readonly stayS: number
  readonly atMs: number
}

export interface Ceiling {
  readonly workers: number
  readonly untilMs: number
  readonly holdMs: number
  readonly why: string
}

/** One interval between two samples. */
export interface CapacityObservation {
  /** Time as the decider counts it. */
  readonly clockMs: number
  readonly elapsedMs: number
  readonly workers: number
  readonly ready: number
  /** Enough waits to keep every worker busy. */
  readonly isFull: boolean
  /** Threads wait for a core. */
  readonly isContended: boolean
  readonly completedPerS: number
  /** What one worker should do per second by service time and concurrency. */
  readonly nominalPerS: number
  readonly coldStartMs: number
  readonly cores: number
}

export const noCapacityMemory: CapacityMemory = {
  levels: [],
  efficiency: 1,
  promised: 0,
  kept: 0,
  ceiling: undefined,
  last: undefined,
}

const keptLevels = 12

/** What was seen longer ago may have been another database; a stay at a level after a gap begins anew. */
const levelMemoryMs = 120_000
const levelGapMs = 10_000

/** Old observations of a level fade beyond this. */
const levelMemoryS = 15

/** Growth has to bring this share of what more workers promise. */
const leastGain = 0.25

/** Levels nearer to each other differ by less than chance. */
const leastStep = 1.5

/** Before growth is judged, and what a level is known by. */
const evidence = { stayS: 2, completed: 100, longStayS: 6, knownCompleted: 60, knownS: 3 }

const firstHoldMs = 60_000
const longestHoldMs = 900_000

/** An efficiency comes from so much time at full load, or so many calls, and without any slowly becomes a guess again. */
const efficiencyMemoryS = 4
const efficiencyCalls = 50
/** The first calls say little. */
const doubtfulCalls = 10
const efficiencyFadesMs = 21_600_000

/** Pure: what is known after one more interval. */
export function observeCapacity(memory: CapacityMemory, seen: CapacityObservation): CapacityMemory {
  const { last } = memory
  const { clockMs, elapsedMs, workers, isFull } = seen
  const elapsedS = elapsedMs / 1000
  const wasFull = last !== undefined && last.isFull && isFull && seen.ready >= workers && workers > 0 && elapsedS > 0
  let { levels, efficiency, promised, kept } = memory
  if (wasFull) {
    levels = withInterval(levels, seen, last.workers === workers)
    const now = promisedCalls(seen, last.workers)
    // The mean of some seconds, or of so many calls where these take longer.
    const fading = promised > efficiencyCalls ? Math.max(0, 1 - elapsedS / efficiencyMemoryS) : 1
    const nextPromised = promised * fading + now
    const nextKept = kept * fading + Math.min(seen.completedPerS * elapsedS, now * 1.5)
    const doubt = doubtfulCalls ** 2 / (doubtfulCalls + nextPromised)
    const next = Math.min(Math.max((nextKept + doubt) / (nextPromised + doubt), 0.1), 1)
    // A worker that waits for a core does less than it can: taken for its efficiency, that would ask for more threads.
    if (!seen.isContended || next >= efficiency) {
      efficiency = next
      promised = nextPromised
      kept = nextKept
    }
  } else {
    efficiency += (1 - efficiency) * (1 - Math.exp(-elapsedMs / efficiencyFadesMs))
    kept = promised * efficiency
    if (levels.some(level => level.stayS > 0)) levels = levels.map(level => ({ ...level, stayS: 0 }))
  }
  const ceiling = judge(levels, memory.ceiling, workers, clockMs)
  return { levels, efficiency, promised, kept, ceiling, last: { workers, isFull } }
}

/** What the workers should do in the interval; new ones count from when they had started. */
function promisedCalls(seen: CapacityObservation, workersBefore: number): number {
  const { workers, elapsedMs, coldStartMs, cores } = seen
  const starts = Math.max(0, workers - workersBefore)
  // Starting computes: many at a time share the cores.
  const startedMs = Math.max(0, elapsedMs - coldStartMs * Math.max(1, starts / cores))
  const workerMs = Math.min(workers, workersBefore) * elapsedMs + starts * startedMs
  return (seen.nominalPerS * workerMs) / 1000
}

/** The ceiling that is in force. */
export function ceilingNow({ ceiling }: CapacityMemory, clockMs: number): Ceiling | undefined {
  return ceiling !== undefined && clockMs < ceiling.untilMs ? ceiling : undefined
}

/** The most that growth may try: beyond a ceiling that is over, one step that can be judged. */
export function triedNext(memory: CapacityMemory, clockMs: number): number {
  const { ceiling } = memory
  if (ceiling === undefined || clockMs > ceiling.untilMs + ceiling.holdMs) return Infinity
  if (clockMs < ceiling.untilMs) return ceiling.workers
  return Math.max(ceiling.workers + 1, Math.ceil(ceiling.workers * leastStep))
}

function withInterval(
  levels: readonly CapacityLevel[],
  { workers, completedPerS, elapsedMs, clockMs }: CapacityObservation,
  stays: boolean,
): readonly CapacityLevel[] {
  const elapsedS = elapsedMs / 1000
  const before = levels.find(level => level.workers === workers)
  const known = before !== undefined && (stays || clockMs - before.atMs < levelGapMs) ? before : undefined
  const fades = known !== undefined && known.seconds > levelMemoryS ? 1 - elapsedS / levelMemoryS : 1
  const level: CapacityLevel = {
    workers,
    completed: (known?.completed ?? 0) * Math.max(fades, 0) + completedPerS * elapsedS,
    seconds: (known?.seconds ?? 0) * Math.max(fades, 0) + elapsedS,
    stayS: (stays ? (known?.stayS ?? 0) : 0) + elapsedS,
    atMs: clockMs,
  }
  const others = levels
    .filter(other => other.workers !== workers && clockMs - other.atMs < levelMemoryMs)
    .map(other => (other.stayS > 0 ? { ...other, stayS: 0 } : other))
  const kept =
    others.length < keptLevels
      ? others
      : others.filter(({ atMs }) => atMs > Math.min(...others.map(other => other.atMs)))
  return [...kept, level].sort((a, b) => a.workers - b.workers)
}

/** Compares the present level with those below: when growth brought too little, as many workers as bring the same. */
function judge(
  levels: readonly CapacityLevel[],
  before: Ceiling | undefined,
  workers: number,
  clockMs: number,
): Ceiling | undefined {
  const now = levels.find(level => level.workers === workers)
  if (now === undefined || now.atMs !== clockMs) return before
  // One in force stands, also while a warm minimum keeps more workers than it allows.
  if (before !== undefined && clockMs < before.untilMs) return before
  const isKnown =
    (now.stayS >= evidence.stayS && now.completed >= evidence.completed) || now.stayS >= evidence.longStayS
  if (!isKnown) return before
  const nowPerS = now.completed / now.seconds
  let ceiling: { workers: number; from: number; fromPerS: number } | undefined
  for (const level of levels) {
    if (level.workers * leastStep > workers || level.workers < 1) continue
    if (level.completed < evidence.knownCompleted && level.seconds < evidence.knownS) continue
    const thenPerS = level.completed / level.seconds
    const gained = nowPerS / Math.max(thenPerS, 1e-9) - 1
    const promised = workers / level.workers - 1
    if (gained >= promised * leastGain) continue
    const same = Math.max(level.workers, Math.ceil(level.workers * (1 + Math.max(gained, 0)) - 0.1))
    if (same < workers && (ceiling === undefined || same < ceiling.workers)) {
      ceiling = { workers: same, from: level.workers, fromPerS: thenPerS }
    }
  }
  // More than was held before, and it pays: nothing holds any more.
  if (ceiling === undefined) return before !== undefined && workers > before.workers ? undefined : before
  // The same again within twice the time it held for: it holds longer.
  const isRepeated = before !== undefined && clockMs < before.untilMs + before.holdMs
  const holdMs = isRepeated ? Math.min(before.holdMs * 2, longestHoldMs) : firstHoldMs
  return {
    workers: ceiling.workers,
    untilMs: clockMs + holdMs,
    holdMs,
    why: `${workers} bring ${figure(nowPerS)}/s, ${ceiling.from} brought ${figure(ceiling.fromPerS)}/s; held for ${seconds(holdMs)}`,
  }
}
