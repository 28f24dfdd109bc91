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
  },
  { additionalProperties: false, description: 'A named, partitioned, durable log of events.' },
)

export type StreamConfig = Static<typeof streamSchema>
