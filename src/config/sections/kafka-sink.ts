import Type, { type Static } from 'typebox'

/** A Kafka sink: results become records, keyed by `key`, `partitionkey` or the causing event's key. */
export const kafkaSinkSchema = Type.Object(
  {
    type: Type.Literal('kafka'),
    topic: Type.String({ pattern: '^[A-Za-z0-9._-]{1,249}$' }),
    contentMode: Type.Union([Type.Literal('binary'), Type.Literal('structured')], {
      default: 'binary',
      description: 'How a CloudEvent is written: attributes in headers, or one JSON envelope.',
    }),
    createTopic: Type.Optional(
      Type.Object(
        { partitions: Type.Integer({ minimum: 1, maximum: 1024 }) },
        { additionalProperties: false, description: 'Creates the topic when it does not exist.' },
      ),
    ),
    timeoutMs: Type.Integer({ minimum: 100, maximum: 600_000, default: 30_000 }),
  },
  { additionalProperties: false, description: 'Produces results to a Kafka topic.' },
)

export type KafkaSinkConfig = Static<typeof kafkaSinkSchema>
