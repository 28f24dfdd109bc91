import Type from 'typebox'

/** When a trigger pauses by itself. */
export const breakerSchema = Type.Object(
  {
    failureRate: Type.Number({
      minimum: 0.01,
      maximum: 1,
      default: 0.5,
      description: 'Share of failed attempts from which on the trigger pauses.',
    }),
    minAttempts: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 20,
      description: 'Attempts within windowMs below which it never does.',
    }),
    windowMs: Type.Integer({
      minimum: 1_000,
      maximum: 3_600_000,
      default: 30_000,
      description: 'For so long an attempt counts.',
    }),
    probeAfterMs: Type.Integer({
      minimum: 100,
      maximum: 86_400_000,
      default: 10_000,
      description: 'From the pause to the first probes; doubled each time that probing fails.',
    }),
    maxProbeAfterMs: Type.Integer({
      minimum: 100,
      maximum: 86_400_000,
      default: 300_000,
      description: 'Bound of the doubling; never below probeAfterMs.',
    }),
    probes: Type.Integer({
      minimum: 1,
      maximum: 1_000,
      default: 3,
      description: 'Events that have to succeed before the trigger goes on; no more run at a time.',
    }),
  },
  {
    additionalProperties: false,
    description:
      'A circuit breaker: the trigger pauses by itself when too many attempts fail, and tries single events before it goes on. {}: with the defaults.',
  },
)
