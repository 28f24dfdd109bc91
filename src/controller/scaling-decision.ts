import type { ScalingPolicy } from '../functions/function-version.ts'
import { ceilingNow, noCapacityMemory, observeCapacity, triedNext, type CapacityMemory } from './capacity-memory.ts'
import type { Claim } from './fair-shares.ts'
import { seconds } from './figure.ts'
import { isCount, unusable, type ScalingSample } from './scaling-sample.ts'
import { coresPerWorker, handlersAtATime, wantedWorkers, type Wish } from './wanted-workers.ts'
import { warmMinimum } from './warm-window.ts'

export type { ScalingSample } from './scaling-sample.ts'

/** Memory of the decider between ticks; a new version starts with {@link initialScalingState}. */
export interface ScalingState {
  /** Time that was observed, in ms: steps of the given clock, without its jumps. */
  readonly clockMs: number
  readonly lastNowMs: number | undefined
  readonly lastDesired: number | undefined
  /** The largest needs of the stabilisation window: falling, newest last. */
  readonly needs: readonly Need[]
  /** Since when every sample was usable; shrinking needs a whole window of them. */
  readonly observedSinceMs: number | undefined
  readonly idleSinceMs: number | undefined
  readonly stabilisationMs: number
  readonly lastResizeMs: number | undefined
  /** Growth goes on: the last one was not all that was wanted, because it may only double. */
  readonly isGrowing: boolean
  /** The last shrink, to see whether it was taken back; the lasting need then, or 0 when it was not for the need. */
  readonly shrunk: { readonly atMs: number; readonly lasting: number } | undefined
  readonly regrownAtMs: number | undefined
  /** What a shrink that was taken back had left, and the lasting need that it was too few for. */
  readonly tooFew: { readonly workers: number; readonly lasting: number } | undefined
  /** Since when only a probe runs, because almost everything fails. */
  readonly probingSinceMs: number | undefined
  readonly capacity: CapacityMemory
}

interface Need {
  readonly atMs: number
  readonly workers: number
  /** The part that lasts; see {@link Wish}. */
  readonly lasting: number
  readonly cores: number
}

export interface ScalingDecision {
  /** Workers to permit; a whole number within the bounds of the policy. */
  readonly desired: number
  /** One sentence with the numbers behind it. */
  readonly reason: string
  readonly state: ScalingState
  /** Its claim for a fair share: what it would have without a limit by others, and the CPU that takes. */
  readonly claim: Pick<Claim, 'workers' | 'cores' | 'coresPerWorker'>
}

/** Workers follow a need that is off by less than this share only when it matters: neither up nor down for noise. */
const deadBand = 0.1

/** Shrinking follows the largest need of this window: up at once, down slowly. Doubles while shrinks are taken back. */
const shortestStabilisationMs = 15_000
const longestStabilisationMs = 120_000
/** Growth within this many windows after a shrink takes it back. */
const takenBackWindows = 4
const calmMs = 600_000
/** Until then, low needs do not lead back to what was too few, unless less than this part of the lasting need is left. */
const sameNeed = 0.9

/** A worker is kept for this many times what starting it again would take. */
const coldStartsKept = 20
const defaultColdStartMs = 50

/** Between two shrinks, and before growth by less than a quarter. */
const betweenShrinksMs = 10_000
const beforeSmallGrowthMs = 5_000
const smallGrowth = 1.25

/** At most doubled per tick: a wrong service time must not start a hundred threads. */
const growthFactor = 2

/** A longer step of the clock is a jump, or a gateway that stood still. */
const longestStepMs = 5_000

const probe = { above: 0.95, below: 0.8, leastMs: 10_000 }

export const initialScalingState: ScalingState = {
  clockMs: 0,
  lastNowMs: undefined,
  lastDesired: undefined,
  needs: [],
  observedSinceMs: undefined,
  idleSinceMs: undefined,
  stabilisationMs: shortestStabilisationMs,
  lastResizeMs: undefined,
  isGrowing: false,
  shrunk: undefined,
  regrownAtMs: undefined,
  tooFew: undefined,
  probingSinceMs: undefined,
  capacity: noCapacityMemory,
}

/**
 * How many workers a version should have. The rules in their order:
 *
 *   cannot start ▸ one, that tries · figures unknown ▸ hold · almost all fails ▸ one, that probes
 *   idle for long ▸ the warm minimum · growth brought nothing ▸ back · need above ▸ up now · need below for a while ▸ down
 *
 * and the bounds around all of them: the warm minimum, the maximum, what other versions leave.
 */
export function decideWorkers(sample: ScalingSample, policy: ScalingPolicy, before: ScalingState): ScalingDecision {
  const elapsedMs = stepOf(sample.nowMs, before.lastNowMs)
  const most = Math.max(1, Math.min(policy.maxWorkers, sample.limit?.workers ?? Infinity))
  const least = Math.min(warmMinimum(policy, sample.wallMs), most)
  const workers = isCount(sample.workers) ? Math.floor(sample.workers) : (before.lastDesired ?? least)
  const tick: Tick = { sample, policy, workers, least, most, clockMs: before.clockMs + elapsedMs, elapsedMs }
  const advanced: ScalingState = {
    ...before,
    clockMs: tick.clockMs,
    lastNowMs: Number.isFinite(sample.nowMs) ? sample.nowMs : before.lastNowMs,
  }
  const { verdict, state } = judge(tick, advanced)
  const desired = Math.min(Math.max(verdict.desired, least), most)
  const isResized = desired !== workers
  return {
    desired,
    reason: sentence(tick, verdict, desired),
    state: {
      ...state,
      lastDesired: desired,
      isGrowing: state.isGrowing && desired > workers,
      lastResizeMs: isResized ? tick.clockMs : state.lastResizeMs,
      shrunk: desired < workers ? { atMs: tick.clockMs, lasting: verdict.lasting ?? 0 } : state.shrunk,
    },
    claim: claimOf(tick, state, desired),
  }
}

/** A sample with what every rule asks for. */
interface Tick {
  readonly sample: ScalingSample
  readonly policy: ScalingPolicy
  readonly workers: number
  readonly least: number
  readonly most: number
  readonly clockMs: number
  readonly elapsedMs: number
}

interface Verdict {
  readonly desired: number
  readonly why: string
  /** Said in front of why; the default tells from what to what. */
  readonly prefix?: string
  /** Of a shrink to what is needed: the part of the need that lasts. */
  readonly lasting?: number
}

function judge(tick: Tick, state: ScalingState): { readonly verdict: Verdict; readonly state: ScalingState } {
  const { sample, policy, workers, least, clockMs } = tick
  const { backlog } = sample
  const unknown = { ...state, observedSinceMs: undefined, idleSinceMs: undefined, needs: [] }
  if (sample.cannotStart !== undefined) {
    const desired = workers > 0 || (backlog ?? 0) > 0 ? Math.max(1, least) : least
    return { verdict: { desired, why: `no worker can start: ${sample.cannotStart}` }, state: unknown }
  }
  const figureMissing = backlog === undefined || !isCount(backlog) ? 'lag' : unusable(sample)
  if (figureMissing !== undefined || backlog === undefined) {
    return { verdict: { desired: workers, why: `the ${figureMissing} is unknown`, prefix: 'hold at' }, state: unknown }
  }
  const isStarting = (sample.ready ?? workers) < workers
  const wish = wantedWorkers(sample, policy, state.capacity.efficiency, isStarting)
  let next = remember(tick, state, wish, backlog)
  const idleMs = next.idleSinceMs === undefined ? 0 : clockMs - next.idleSinceMs
  if (next.idleSinceMs !== undefined && idleMs >= policy.scaleToZeroAfterMs && workers > least) {
    const why = `nothing to do for ${seconds(idleMs)}`
    return { verdict: { desired: least, why }, state: { ...next, needs: [], probingSinceMs: undefined } }
  }
  next = { ...next, probingSinceMs: probingSince(tick, next.probingSinceMs) }
  if (next.probingSinceMs !== undefined) {
    const failed = Math.round((sample.failureShare ?? 1) * 100)
    const desired = workers > 0 || backlog > 0 ? Math.max(1, least) : least
    return { verdict: { desired, why: `${failed} % of the calls fail; one worker probes` }, state: next }
  }
  if (workers === 0) {
    const active = policy.activationLagThreshold ?? 0
    if (backlog <= active) {
      const why = backlog === 0 ? 'nothing waits' : `${backlog} waiting do not exceed activationLagThreshold ${active}`
      return { verdict: { desired: 0, why, prefix: 'no worker,' }, state: next }
    }
  }
  return size(tick, next, wish)
}

/** Up, down or neither, by need. */
function size(
  tick: Tick,
  state: ScalingState,
  wish: Wish,
): { readonly verdict: Verdict; readonly state: ScalingState } {
  const { workers, clockMs, most, sample, least } = tick
  if (workers > most) return { verdict: { desired: most, why: sample.limit?.why ?? 'the maximum' }, state }
  const ceiling = ceilingNow(state.capacity, clockMs)
  if (ceiling !== undefined && workers > Math.max(ceiling.workers, least)) {
    return { verdict: { desired: ceiling.workers, why: ceiling.why }, state: { ...state, needs: [] } }
  }
  const lasting = Math.ceil(wish.lasting)
  const beyondNoise = Math.ceil(wish.need / (1 + deadBand))
  const wanted = state.isGrowing ? Math.max(beyondNoise, lasting) : beyondNoise
  const allowed = Math.min(wanted, triedNext(state.capacity, clockMs))
  if (allowed > workers) {
    if (workers === most) {
      return { verdict: { desired: workers, why: `${sample.limit?.why ?? 'the maximum'}; ${wish.why}` }, state }
    }
    // Once it moves, it goes as far as lasts: not to the edge of the dead band.
    const settled = Math.min(Math.max(allowed, lasting), triedNext(state.capacity, clockMs))
    const desired = Math.min(settled, Math.max(workers, 1) * growthFactor, most)
    const isSmall = desired < workers * smallGrowth && !state.isGrowing
    if (isSmall && state.lastResizeMs !== undefined && clockMs - state.lastResizeMs < beforeSmallGrowthMs) {
      return { verdict: { desired: workers, why: `${wish.why}; resized just now` }, state }
    }
    const isGrowing = settled > desired && desired < most
    return { verdict: { desired, why: wish.why }, state: { ...regrown(tick, state, settled), isGrowing } }
  }
  if (wanted > workers && ceiling !== undefined) {
    const why = `more brought nothing (${ceiling.why}), next try in ${seconds(ceiling.untilMs - clockMs)}; ${wish.why}`
    return { verdict: { desired: workers, why }, state }
  }
  const windowMs = stabilisationOf(tick, state)
  const observedMs = state.observedSinceMs === undefined ? 0 : clockMs - state.observedSinceMs
  const needed = Math.max(1, ...state.needs.map(need => need.workers))
  const tooFew = tooFewNow(state)
  const enough = Math.max(needed, tooFew + 1)
  const why = enough > needed ? `${wish.why}; ${tooFew} ${tooFew === 1 ? 'was' : 'were'} too few for it` : wish.why
  const isSoon = state.shrunk !== undefined && clockMs - state.shrunk.atMs < betweenShrinksMs
  if (enough < workers && observedMs >= windowMs && !isSoon) {
    const verdict = { desired: enough, why: `${why}, for ${seconds(windowMs)}`, lasting: wish.lasting }
    return { verdict, state }
  }
  return { verdict: { desired: workers, why }, state }
}

/** As many workers as were too few for what the load needs now; 0 when nothing of the kind is known. */
function tooFewNow({ tooFew, needs }: ScalingState): number {
  // The largest of the window: one low sample does not end it.
  const lasting = Math.max(0, ...needs.map(need => need.lasting))
  return tooFew !== undefined && lasting >= tooFew.lasting * sameNeed ? tooFew.workers : 0
}

/** The sample becomes part of what is known. */
function remember(tick: Tick, state: ScalingState, wish: Wish, backlog: number): ScalingState {
  const { sample, policy, workers, clockMs, elapsedMs } = tick
  const quiet = sample.active === undefined ? sample.arrivalsPerS < 0.01 : !sample.active
  const isIdle = quiet && sample.busy === 0 && (sample.running ?? 0) === 0 && backlog === 0
  const windowMs = stabilisationOf(tick, state)
  const workersNeeded = Math.ceil(wish.need * (1 + deadBand))
  const need = { atMs: clockMs, workers: workersNeeded, lasting: wish.lasting, cores: wish.cores }
  // Only needs that no later one exceeds can be the largest some day.
  const needs = state.needs.filter(
    ({ atMs, workers: then, cores }) => clockMs - atMs < windowMs && (then > need.workers || cores > need.cores),
  )
  const isCalm = state.regrownAtMs !== undefined && clockMs - state.regrownAtMs > calmMs
  const nominalPerS =
    wish.perWorkerPerS === undefined ? 0 : wish.perWorkerPerS / Math.max(state.capacity.efficiency, 0.01)
  const atATime = handlersAtATime(sample)
  const capacity =
    sample.completedPerS === undefined
      ? state.capacity
      : observeCapacity(state.capacity, {
          clockMs,
          elapsedMs,
          workers,
          ready: sample.ready ?? workers,
          // What waits for a permit says nothing about the workers.
          isFull:
            workers > 0 &&
            sample.limitedBy === undefined &&
            sample.runnableKeys >= atATime &&
            backlog >= workers * atATime,
          isContended: sample.contended === true,
          completedPerS: sample.completedPerS,
          nominalPerS,
          coldStartMs: sample.coldStartMs ?? defaultColdStartMs,
          cores: sample.cores,
        })
  return {
    ...state,
    needs: [...needs, need],
    observedSinceMs: state.observedSinceMs ?? clockMs,
    idleSinceMs: isIdle ? (state.idleSinceMs ?? clockMs) : undefined,
    stabilisationMs: isCalm ? shortestStabilisationMs : state.stabilisationMs,
    regrownAtMs: isCalm ? undefined : state.regrownAtMs,
    tooFew: isCalm ? undefined : state.tooFew,
    capacity: policy.maxWorkers === policy.minWorkers ? noCapacityMemory : capacity,
  }
}

/**
 * A shrink that growth takes back soon was too early: the next one waits longer. It leaves more, too, where one worker more
 * would have been enough: a burst that wants many tells nothing of the load between bursts.
 */
function regrown({ workers }: Tick, state: ScalingState, wanted: number): ScalingState {
  const { shrunk, clockMs, stabilisationMs, tooFew, needs } = state
  if (shrunk === undefined || clockMs - shrunk.atMs > takenBackWindows * stabilisationMs) return state
  const lasting = Math.min(shrunk.lasting, needs.at(-1)?.lasting ?? 0)
  const isAtEdge = lasting > 0 && wanted === workers + 1 && workers > tooFewNow(state)
  return {
    ...state,
    shrunk: undefined,
    regrownAtMs: clockMs,
    tooFew: isAtEdge ? { workers, lasting } : tooFew,
    stabilisationMs: Math.min(stabilisationMs * 2, longestStabilisationMs),
  }
}

function stabilisationOf({ sample }: Tick, state: ScalingState): number {
  const coldStartMs = sample.coldStartMs ?? defaultColdStartMs
  const worthKeepingMs = Number.isFinite(coldStartMs) ? coldStartMs * coldStartsKept : 0
  return Math.min(Math.max(state.stabilisationMs, worthKeepingMs), longestStabilisationMs)
}

function probingSince({ sample, clockMs }: Tick, since: number | undefined): number | undefined {
  const { failureShare } = sample
  if (since === undefined) return failureShare !== undefined && failureShare > probe.above ? clockMs : undefined
  const isOver = failureShare === undefined || failureShare < probe.below
  return isOver && clockMs - since >= probe.leastMs ? undefined : since
}

function claimOf(
  { sample, policy, least, workers: present }: Tick,
  state: ScalingState,
  desired: number,
): ScalingDecision['claim'] {
  const { needs, idleSinceMs, probingSinceMs, capacity, clockMs } = state
  const each = coresPerWorker(sample, capacity.efficiency)
  // Nothing is known of the need: it is what there is.
  if (needs.length === 0 || probingSinceMs !== undefined) {
    return { workers: desired, cores: idleSinceMs === undefined ? desired * each : 0, coresPerWorker: each }
  }
  // What is kept because fewer were too few counts as well.
  const tooFew = tooFewNow(state)
  const kept = tooFew === 0 ? 0 : Math.min(present, tooFew + 1)
  const needed = Math.max(kept, ...needs.map(({ workers }) => workers))
  const most = Math.min(ceilingNow(capacity, clockMs)?.workers ?? Infinity, policy.maxWorkers)
  const cores = Math.max(...needs.map(need => need.cores))
  return { workers: Math.min(Math.max(needed, least), most), cores, coresPerWorker: each }
}

/** A clock that stands still or runs backwards is one that stands still; one that jumps moves a little. */
function stepOf(nowMs: number, lastMs: number | undefined): number {
  if (lastMs === undefined || !(nowMs > lastMs)) return 0
  return Math.min(nowMs - lastMs, longestStepMs)
}

function sentence(
  { sample, workers, least }: Tick,
  { desired: judged, why, prefix }: Verdict,
  desired: number,
): string {
  if (desired > judged && desired === least && desired > workers) return `${workers}→${desired}: the warm minimum`
  if (desired < workers && desired < judged) return `${workers}→${desired}: ${sample.limit?.why ?? 'the maximum'}`
  if (desired !== workers) return `${workers}→${desired}: ${why}`
  if (prefix === 'no worker,') return `${prefix} ${why}`
  return `${prefix === undefined ? `${workers} stay` : `${prefix} ${workers}`}: ${why}`
}
