import Type, { type Static } from 'typebox'

/** How the gateway stops: drain first, force after the limit. */
export const shutdownSchema = Type.Object(
  {
    drainMs: Type.Integer({
      minimum: 0,
      maximum: 600_000,
      default: 10_000,
      description: 'Time for accepted work to end after the first SIGTERM or SIGINT; then the rest is cut off.',
    }),
  },
  { additionalProperties: false, default: {}, description: 'How the gateway stops.' },
)

export type ShutdownConfig = Static<typeof shutdownSchema>
