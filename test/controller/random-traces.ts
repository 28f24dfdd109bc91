import { initialLoadState, measureLoad } from '../../src/controller/load-meter.ts'
import { decideWorkers, initialScalingState, type ScalingSample } from '../../src/controller/scaling-decision.ts'
import { seededRandom } from '../../src/controller/simulation/random.ts'
import { warmMinimum } from '../../src/controller/warm-window.ts'
import type { CallLimits, ScalingPolicy } from '../../src/functions/function-version.ts'

/** What a run over many traces found; `problems` is empty when everything held. */
export interface TraceReport {
  readonly traces: number
  readonly decisions: number
  readonly resizes: number
  /** Most resizes within a minute of any trace whose figures were sane. */
  readonly mostResizesPerMinute: number
  /** Of the traces under constant load, the longest time until the number of workers stayed. */
  readonly longestConvergenceS: number
  /** At most ten, with the seed that repeats each. */
  readonly problems: readonly string[]
}

const tickMs = 500

/** Growth doubles or adds, shrinks are ten seconds apart: what that adds up to at most. */
const mostResizesPerMinute = 30

/** Length of a constant load. */
const constantTicks = 360

/**
 * Under it the number of workers moves at most three times after a minute, when a load at the edge of what the workers can
 * do was found late, and at most once after two, when what is known of their efficiency fades.
 */
const settledMs = { mostly: 60_000, surely: 120_000 }

/**
 * Runs random traces through meter and decision, each a closed loop with a queue, and checks what has to hold always:
 * bounds, holding on what is unknown, doubling at most, few resizes, convergence. A third of them are hostile: figures
 * that are no numbers, counters and clocks that go backwards.
 */
export function runTraces(count: number, seed: number): TraceReport {
  const total = { decisions: 0, resizes: 0, mostResizesPerMinute: 0, longestConvergenceS: 0 }
  const problems: string[] = []
  for (let index = 0; index < count && problems.length < 10; index++) {
    const traceSeed = (seed * 1_000_003 + index) >>> 0
    const kind = (['wandering', 'constant', 'hostile'] as const)[index % 3] ?? 'hostile'
    const trace = runTrace(kind, traceSeed)
    total.decisions += trace.decisions
    total.resizes += trace.resizes
    total.mostResizesPerMinute = Math.max(total.mostResizesPerMinute, trace.mostResizesPerMinute)
    total.longestConvergenceS = Math.max(total.longestConvergenceS, trace.convergenceS)
    for (const problem of trace.problems) problems.push(`seed ${traceSeed} (${kind}): ${problem}`)
  }
  return { traces: count, ...total, problems: problems.slice(0, 10) }
}

interface Trace {
  decisions: number
  resizes: number
  mostResizesPerMinute: number
  convergenceS: number
  problems: string[]
}

type Kind = 'wandering' | 'constant' | 'hostile'

function runTrace(kind: Kind, seed: number): Trace {
  const random = seededRandom(seed)
  const policy = randomPolicy(random)
  const world = randomWorld(random)
  const trace: Trace = { decisions: 0, resizes: 0, mostResizesPerMinute: 0, convergenceS: 0, problems: [] }
  const ticks = kind === 'constant' ? constantTicks : 20 + Math.floor(random() * 100)
  const resizedAt: number[] = []
  let load = initialLoadState
  let state = initialScalingState
  let workers = policy.minWorkers
  let ready = workers
  let perS = world.perS
  const waitedAtFirst = Math.floor(random() * (kind === 'constant' ? 100 : 10_000))
  let waiting = waitedAtFirst
  let completed = 0
  let carried = 0
  let spare = 0
  for (let tick = 0; tick < ticks && trace.problems.length < 3; tick++) {
    const nowMs = tick * tickMs
    if (kind !== 'constant' && random() < 0.05) perS = random() < 0.3 ? 0 : world.perS * 4 * random()
    spare = Math.min(spare, 1) + Math.min(ready * world.perWorkerPerS, world.downstreamPerS) * (tickMs / 1000)
    const arriving = perS * (tickMs / 1000) * (kind === 'constant' ? 1 : 0.7 + 0.6 * random()) + carried
    const arrived = Math.floor(arriving)
    carried = arriving - arrived
    const done = Math.min(Math.floor(spare), waiting + arrived)
    spare -= done
    waiting += arrived - done
    completed += done
    ready = workers
    // Little's law: a call that takes longer than a tick is in service in several.
    const inService = Math.ceil(Math.min((done * 1000 * world.slotS) / tickMs, workers * world.concurrency))
    const measured = measureLoad(
      {
        nowMs,
        succeeded: completed,
        failed: 0,
        cpuMs: completed * world.cpuMs,
        handlerMs: completed * world.serviceMs,
        inSystem: waiting,
      },
      load,
    )
    load = measured.state
    let sample: ScalingSample = {
      nowMs,
      wallMs: nowMs,
      workers,
      ready,
      busy: Math.min(workers, inService),
      running: inService,
      backlog: waiting,
      runnableKeys: Math.min(waiting, world.keys),
      ...measured.load,
      serviceTimeMs: completed > 0 ? world.serviceMs : undefined,
      concurrency: world.concurrency,
      cores: 2,
      ...(kind === 'constant'
        ? {}
        : { calls: world.calls, limitedBy: world.calls && waiting > 0 ? 'limited' : undefined }),
    }
    if (kind === 'hostile') sample = poisoned(sample, random)
    const decision = decideWorkers(sample, policy, state)
    trace.decisions++
    check(trace, sample, policy, workers, decision.desired, decision.reason, tick)
    state = decision.state
    if (decision.desired !== workers) {
      trace.resizes++
      resizedAt.push(nowMs)
    }
    workers = decision.desired
  }
  // A policy that goes to zero at every pause is followed.
  if (kind !== 'hostile' && policy.scaleToZeroAfterMs >= 5_000) checkResizes(trace, resizedAt)
  if (kind === 'constant') checkConvergence(trace, resizedAt, { waiting, waitedAtFirst }, world, policy)
  return trace
}

interface World {
  readonly perS: number
  readonly serviceMs: number
  readonly cpuMs: number
  readonly concurrency: number
  readonly perWorkerPerS: number
  /** Time that a worker holds an event. */
  readonly slotS: number
  readonly downstreamPerS: number
  readonly keys: number
  /** What the function may ask of what stands behind it. */
  readonly calls: CallLimits | undefined
}

function randomWorld(random: () => number): World {
  const serviceMs = 10 ** (random() * 4 - 1)
  const cpuMs = random() < 0.3 ? serviceMs : serviceMs * random() * 0.3
  const concurrency = random() < 0.5 ? 1 : 1 + Math.floor(random() * 32)
  const atATime = Math.min(concurrency, serviceMs / cpuMs)
  // What waits may wait for others in its frame; what computes gets on.
  const efficiency = cpuMs > serviceMs * 0.5 ? 0.8 + 0.2 * random() : 0.3 + 0.7 * random()
  const perWorkerPerS = (1000 / serviceMs) * atATime * efficiency
  return {
    perS: perWorkerPerS * random() * 12,
    serviceMs,
    cpuMs,
    concurrency,
    perWorkerPerS,
    slotS: atATime / perWorkerPerS,
    downstreamPerS: random() < 0.2 ? perWorkerPerS * (1 + random() * 3) : Infinity,
    keys: random() < 0.2 ? 1 + Math.floor(random() * 50) : 100_000,
    calls: randomLimits(random),
  }
}

function randomLimits(random: () => number): CallLimits | undefined {
  if (random() < 0.8) return undefined
  return random() < 0.5
    ? { ratePerSecond: 10 ** (random() * 5 - 2) }
    : { maxConcurrency: 1 + Math.floor(random() * 50) }
}

function randomPolicy(random: () => number): ScalingPolicy {
  const maxWorkers = 1 + Math.floor(random() * 64)
  const minWorkers = random() < 0.5 ? 0 : Math.floor(random() * (maxWorkers + 1))
  return {
    minWorkers,
    maxWorkers,
    targetDrainMs: 100 * 10 ** (random() * 3),
    scaleToZeroAfterMs: random() < 0.3 ? 0 : random() * 120_000,
    ...(random() < 0.2 ? { lagThreshold: 1 + Math.floor(random() * 1_000) } : {}),
    ...(random() < 0.1 ? { activationLagThreshold: Math.floor(random() * 100) } : {}),
  }
}

const nonsense = [Number.NaN, -1, Infinity, -Infinity, 1e300, -0]

/** Figures that are none, clocks that jump, and what else an interface may say some day. */
function poisoned(sample: ScalingSample, random: () => number): ScalingSample {
  const given: Record<string, unknown> = { ...sample }
  if (random() < 0.15) given['backlog'] = undefined
  for (const name of [
    'backlog',
    'arrivalsPerS',
    'runnableKeys',
    'busy',
    'running',
    'completedPerS',
    'serviceTimeMs',
    'cpuShare',
    'failureShare',
    'ready',
    'concurrency',
    'coldStartMs',
    'wallMs',
  ]) {
    if (random() < 0.02) given[name] = nonsense[Math.floor(random() * nonsense.length)]
  }
  if (random() < 0.05) given['nowMs'] = sample.nowMs + (random() - 0.5) * 1e8
  if (random() < 0.02) given['nowMs'] = Number.NaN
  if (random() < 0.05) given['failureShare'] = random()
  if (random() < 0.05) given['cannotStart'] = 'it throws'
  if (random() < 0.1) given['limit'] = { workers: 1 + Math.floor(random() * 8), why: 'its share' }
  return given as unknown as ScalingSample
}

function check(
  trace: Trace,
  sample: ScalingSample,
  policy: ScalingPolicy,
  before: number,
  desired: number,
  reason: string,
  tick: number,
): void {
  const problem = (text: string) => void trace.problems.push(`tick ${tick}: ${text}; ${reason}`)
  const most = Math.max(1, Math.min(policy.maxWorkers, sample.limit?.workers ?? Infinity))
  const least = Math.min(warmMinimum(policy, sample.wallMs), most)
  if (!Number.isInteger(desired)) problem(`${desired} is no whole number`)
  if (desired < least || desired > most) problem(`${desired} is not within ${least} and ${most}`)
  if (desired > Math.max(before, 1) * 2 && desired !== least) problem(`more than doubled, from ${before} to ${desired}`)
  const isUnknown = sample.backlog === undefined || !(sample.backlog >= 0 && sample.backlog < Infinity)
  if (isUnknown && sample.cannotStart === undefined && desired !== Math.min(Math.max(before, least), most)) {
    problem(`did not hold at ${before} with an unknown lag`)
  }
  if (reason.length < 5 || reason.includes('NaN') || reason.includes('undefined')) problem('the reason says nothing')
}

function checkResizes(trace: Trace, resizedAt: readonly number[]): void {
  for (let first = 0, last = 0; last < resizedAt.length; last++) {
    while ((resizedAt[last] as number) - (resizedAt[first] as number) >= 60_000) first++
    trace.mostResizesPerMinute = Math.max(trace.mostResizesPerMinute, last - first + 1)
  }
  if (trace.mostResizesPerMinute > mostResizesPerMinute) {
    trace.problems.push(`${trace.mostResizesPerMinute} resizes within a minute`)
  }
}

/** Under constant load the number stays at some time, and the backlog goes if anything could make it go. */
function checkConvergence(
  trace: Trace,
  resizedAt: readonly number[],
  { waiting, waitedAtFirst }: { readonly waiting: number; readonly waitedAtFirst: number },
  world: World,
  policy: ScalingPolicy,
): void {
  // One that waits for a heap of events, or goes to zero between two of them, does so again and again.
  if ((world.perS * policy.scaleToZeroAfterMs) / 1000 < 5 || (policy.activationLagThreshold ?? 0) > 0) return
  const hasLimits = world.downstreamPerS < Infinity || world.keys < 1_000
  // Growth that brings nothing is tried again now and then.
  if (!hasLimits) {
    const after = (ms: number): number => resizedAt.filter(atMs => atMs > ms).length
    trace.convergenceS = (resizedAt.findLast(atMs => atMs <= settledMs.surely) ?? 0) / 1000
    if (after(settledMs.mostly) > 3 || after(settledMs.surely) > 1) {
      trace.problems.push(
        `resized ${after(settledMs.mostly)} times under constant load after a minute, ${after(settledMs.surely)} after two`,
      )
    }
  }
  const coresEach = (world.perWorkerPerS * world.cpuMs) / 1000
  const mostWorkers = Math.min(policy.maxWorkers, coresEach > 0.6 ? 2 : Math.floor(2 / coresEach))
  const sparePerS = mostWorkers * world.perWorkerPerS * 0.7 - world.perS
  const isFeasible = sparePerS * ((constantTicks * tickMs) / 1000) > waitedAtFirst && !hasLimits
  const byLag = policy.lagThreshold ?? 0
  // A long time to drain in may not be over yet.
  if (isFeasible && policy.targetDrainMs < 20_000 && waiting > world.perS * 2 + mostWorkers + byLag * mostWorkers) {
    trace.problems.push(`${waiting} still wait under a constant load of ${world.perS.toFixed(1)}/s`)
  }
}
