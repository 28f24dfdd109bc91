import Type, { type Static } from 'typebox'

/** A home stream: written by Sluice, kept in the embedded log. Kafka-backed streams are declared by their source. */
export const streamSchema = Type.Object(
  {
    partitions: Type.Integer({
      minimum: 1,
      maximum: 1024,
      default: 16,
      description: 'Number of partitions. Parallelism does not depend on it; it cannot shrink later.',
    }),
    retentionMs: Type.Integer({
      minimum: 60_000,
      default: 604_800_000,
      description: 'Age in ms after which processed events may be removed. Default: 7 days.',
    }),
    maxBytes: Type.Integer({
      minimum: 1_048_576,
      default: 1_073_741_824,
      description: 'Size in bytes at which the stream is full and its sources refuse events. Default: 1 GiB.',
    }),
    deduplication: Type.Object(
      {
        windowMs: Type.Integer({
          minimum: 1_000,
          maximum: 604_800_000,
          default: 600_000,
          description:
            'How long a deduplication id is known at least, in ms of time in which the gateway runs. Default: 10 minutes.',
        }),
        maxIds: Type.Integer({
          minimum: 1_000,
          maximum: 10_000_000,
          default: 1_000_000,
          description: 'Most ids that are held, at about 150 bytes each; beyond them the window gets shorter.',
        }),
      },
      {
        additionalProperties: false,
        default: {},
        description: 'How repeats are recognised: deliveries of sources, and results of functions after a crash.',
      },
    ),
  },
  { additionalProperties: false, description: 'A named, partitioned, durable log of events.' },
)

export type StreamConfig = Static<typeof streamSchema>
