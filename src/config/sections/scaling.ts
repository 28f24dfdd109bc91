import Type, { type Static } from 'typebox'

/** Days as a warm window names them, in the order of a week. */
export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

export type Weekday = (typeof weekdays)[number]

const weekdaySchema = Type.Union([
  Type.Literal('mon'),
  Type.Literal('tue'),
  Type.Literal('wed'),
  Type.Literal('thu'),
  Type.Literal('fri'),
  Type.Literal('sat'),
  Type.Literal('sun'),
])

const warmWindowSchema = Type.Object(
  {
    days: Type.Array(weekdaySchema, {
      minItems: 1,
      uniqueItems: true,
      default: [...weekdays],
      description: 'Days on which the window begins.',
    }),
    from: Type.String({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$', description: 'HH:MM on the clock of the time zone.' }),
    to: Type.String({
      pattern: '^(([01]\\d|2[0-3]):[0-5]\\d|24:00)$',
      description: 'HH:MM, exclusive; earlier than `from`: on the next day. 24:00 is the end of the day.',
    }),
    timezone: Type.String({ minLength: 1, maxLength: 64, default: 'UTC', description: 'IANA name: Europe/Berlin.' }),
    minWorkers: Type.Integer({ minimum: 1, maximum: 256, description: 'Warm workers while it is open.' }),
  },
  { additionalProperties: false, description: 'A scheduled minimum; where windows overlap, the largest counts.' },
)

/** Bounds and aims of one version's worker pool, as a function declares them. */
export const scalingSchema = Type.Object(
  {
    minWorkers: Type.Integer({ minimum: 0, maximum: 256, default: 0, description: 'Warm workers; 0 scales to zero.' }),
    maxWorkers: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 256, description: 'Default: the number of cores, at least 2.' }),
    ),
    targetDrainMs: Type.Integer({
      minimum: 100,
      maximum: 3_600_000,
      default: 2_000,
      description: 'The backlog shall be gone within this time.',
    }),
    scaleToZeroAfterMs: Type.Integer({ minimum: 0, maximum: 86_400_000, default: 60_000 }),
    lagThreshold: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000_000_000,
        description: 'Waiting events per worker, as KEDA means it. Takes the place of targetDrainMs.',
      }),
    ),
    activationLagThreshold: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1_000_000_000,
        description: 'The first worker starts when more events than this wait, as KEDA means it. Default 0.',
      }),
    ),
    warmWindows: Type.Optional(
      Type.Array(warmWindowSchema, { maxItems: 32, description: 'Scheduled minimum of warm workers.' }),
    ),
    weight: Type.Optional(
      Type.Number({
        minimum: 0.01,
        maximum: 100,
        description: 'Share of CPU time and memory beside other functions when there is not enough. Default 1.',
      }),
    ),
  },
  { additionalProperties: false, default: {}, description: 'Bounds and aims of the worker pool.' },
)

export type ScalingSection = Static<typeof scalingSchema>
export type WarmWindow = Static<typeof warmWindowSchema>
