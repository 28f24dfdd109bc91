import Type, { type Static } from 'typebox'

/** The gateway's own log: JSON lines on stdout. */
export const loggingSchema = Type.Object(
  {
    level: Type.Union(
      [
        Type.Literal('trace'),
        Type.Literal('debug'),
        Type.Literal('info'),
        Type.Literal('warn'),
        Type.Literal('error'),
        Type.Literal('fatal'),
        Type.Literal('silent'),
      ],
      { default: 'info' },
    ),
    events: Type.Boolean({
      default: false,
      description: 'One line per event that comes in and per result that goes out.',
    }),
  },
  { additionalProperties: false, default: {}, description: "The gateway's own log." },
)

export type LoggingConfig = Static<typeof loggingSchema>
