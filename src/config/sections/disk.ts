import Type, { type Static } from 'typebox'

/** The disk under the data directory. */
export const diskSchema = Type.Object(
  {
    reserveBytes: Type.Integer({
      minimum: 0,
      default: 67_108_864,
      description:
        'Free bytes that only completions, dead letters and parked events may use: below it the sources of all home ' +
        'streams refuse events, and function logs are not kept. Default: 64 MiB.',
    }),
  },
  { additionalProperties: false, default: {}, description: 'What is left free on the disk of dataDir.' },
)

export type DiskConfig = Static<typeof diskSchema>
