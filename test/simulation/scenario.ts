import type { BreakerPolicy } from '../../src/dispatch/breaker.ts'
import type { TroubleShares } from './handler-plan.ts'
import { partSeed, seededRandom, type Random } from '../chaos/random.ts'

/** What a seed decides before anything runs. */
export interface Scenario {
  readonly seed: number
  readonly partitions: number
  readonly keys: number
  readonly events: number
  readonly maxInFlight: number
  readonly segmentBytes: number
  readonly retentionBytes: number | undefined
  readonly snapshotCommands: number
  readonly ordering: 'key' | 'partition' | 'none'
  readonly isDelayed: boolean
  readonly initialDelayMs: number
  readonly trouble: TroubleShares
  /** Share of deliveries that the far end of the sink refuses for now. */
  readonly sinkAwayShare: number
  readonly interruptions: number
  readonly operations: number
  readonly stallShare: number
  /** Whether disk and store refuse changes at times. Then not every stop can commit and park what it should, and that is repeated. */
  readonly isRefusing: boolean
  readonly pauseMs: number
  /** The circuit breaker of both triggers. */
  readonly breaker: BreakerPolicy | undefined
  /** Times in which whatever the function does fails, because what it calls is away. */
  readonly outages: number
}

/** Sources of chance that do not depend on how much another one draws. */
export const streams = {
  schedule: 1,
  disk: 2,
  handlers: 3,
  faults: 4,
  senders: 5,
  operator: 6,
  markers: 7,
  globals: 8,
  network: 9,
  outages: 10,
}

export function randomOf(seed: number, stream: keyof typeof streams): Random {
  return seededRandom(partSeed(seed, streams[stream]))
}

export function scenarioOf(seed: number): Scenario {
  const random = seededRandom(partSeed(seed, 0))
  const isCalm = random.chance(0.2)
  const share = (most: number): number => (isCalm || random.chance(0.4) ? 0 : random() * most)
  const breaker = breakerOf(seed)
  const segmentBytes = random.pick([1_500, 4_000, 16_000, 1_000_000])
  return {
    seed,
    partitions: 1 + random.below(3),
    keys: 2 + random.below(9),
    events: 20 + random.below(100),
    maxInFlight: random.pick([3, 8, 20, 60]),
    segmentBytes,
    retentionBytes: random.chance(0.4) ? segmentBytes * 2 : undefined,
    snapshotCommands: random.pick([2, 5, 1_000]),
    ordering: random.pick(['key', 'key', 'key', 'partition', 'none']),
    isDelayed: random.chance(0.15),
    initialDelayMs: random.pick([5, 300, 2_000]),
    trouble: {
      throws: share(0.3),
      // Where nothing but poison is left a breaker stays open until a person looks; and what fails in an outage has to be tried again.
      poison: share(0.05) * (breaker === undefined ? 1 : 0),
      loops: share(0.02),
      crashes: share(0.05),
      untold: share(0.02),
      meanMs: random.pick([1, 10, 40]),
    },
    sinkAwayShare: share(0.4),
    interruptions: random.below(6),
    operations: random.below(12),
    isRefusing: random.chance(0.5),
    stallShare: random.chance(0.3) ? 0.000_5 : 0,
    pauseMs: random.pick([5, 60, 400]),
    ...{ breaker, outages: breaker === undefined ? 0 : 1 + randomOf(seed, 'outages').below(4) },
  }
}

/** Drawn apart, so that what a seed without a breaker decides stays as it was. */
function breakerOf(seed: number): BreakerPolicy | undefined {
  const random = seededRandom(partSeed(seed, 11))
  if (random.chance(0.6)) return undefined
  return {
    failureRate: random.pick([0.3, 0.5, 0.9]),
    minAttempts: random.pick([2, 5, 15]),
    windowMs: random.pick([500, 3_000, 20_000]),
    probeAfterMs: random.pick([20, 200, 1_500]),
    maxProbeAfterMs: random.pick([500, 5_000]),
    probes: random.pick([1, 2, 5]),
  }
}
