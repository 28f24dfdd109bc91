import Type, { type Static } from 'typebox'

/** Retry, as a function declares it: every field has its default here. */
const retrySchema = Type.Object(
  {
    maxAttempts: Type.Integer({ minimum: 1, maximum: 1000, default: 5, description: 'The first attempt included.' }),
    initialDelayMs: Type.Integer({ minimum: 0, maximum: 3_600_000, default: 200, description: 'Doubles per attempt.' }),
    maxDelayMs: Type.Integer({ minimum: 0, maximum: 86_400_000, default: 30_000 }),
    jitter: Type.Number({ minimum: 0, maximum: 1, default: 0.2, description: 'Share of a delay that is random.' }),
  },
  { additionalProperties: false, default: {}, description: 'How a failed attempt is repeated.' },
)

/** Retry, as a trigger overrides it: what is absent comes from the function. */
export const retryOverrideSchema = Type.Object(
  {
    maxAttempts: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    initialDelayMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 3_600_000 })),
    maxDelayMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 86_400_000 })),
    jitter: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  },
  { additionalProperties: false, description: "Overrides parts of the function's retry." },
)

const scalingSchema = Type.Object(
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
  },
  { additionalProperties: false, default: {}, description: 'Bounds and aims of the worker pool.' },
)

/** One function: an ES module of the user and how its workers run. */
export const functionSchema = Type.Object(
  {
    file: Type.String({ minLength: 1, description: 'The ES module, relative to the configuration file.' }),
    handler: Type.String({ minLength: 1, default: 'default', description: 'Name of the export that is called.' }),
    description: Type.Optional(Type.String()),
    environment: Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }), Type.String(), {
      default: {},
      description: 'The only environment variables the handler sees.',
    }),
    secrets: Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }), Type.String(), {
      default: {},
      description: 'Reach the handler as context.secrets, never a log. Take them from the environment: ${NAME}.',
    }),
    timeoutMs: Type.Integer({ minimum: 10, maximum: 3_600_000, default: 30_000, description: 'Of one attempt.' }),
    concurrency: Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 8,
      description: 'Events of different keys that one worker runs at a time, if the handler is asynchronous.',
    }),
    memoryMiB: Type.Integer({ minimum: 16, maximum: 16_384, default: 128, description: 'Heap limit of one worker.' }),
    maxResultBytes: Type.Integer({ minimum: 1, maximum: 67_108_864, default: 1_048_576 }),
    batch: Type.Optional(
      Type.Object(
        { maxEvents: Type.Integer({ minimum: 1, maximum: 10_000, description: 'Most events of one call.' }) },
        { additionalProperties: false, description: 'The handler takes an array of events.' },
      ),
    ),
    retry: retrySchema,
    scaling: scalingSchema,
  },
  { additionalProperties: false, description: 'A function: an ES module and how its workers run.' },
)

export type FunctionConfig = Static<typeof functionSchema>
export type RetryOverride = Static<typeof retryOverrideSchema>
