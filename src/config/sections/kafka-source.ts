import Type, { type Static } from 'typebox'
import { sourceFields } from './source-fields.ts'

/** A Kafka source: an existing topic, read in place. Its stream is Kafka-backed and is written by others. */
export const kafkaSourceSchema = Type.Object(
  {
    type: Type.Literal('kafka'),
    topic: Type.String({ pattern: '^[A-Za-z0-9._-]{1,249}$', description: 'An existing topic.' }),
    ...sourceFields,
    tombstones: Type.Union([Type.Literal('skip'), Type.Literal('dead-letter')], {
      default: 'skip',
      description: 'What becomes of records without a value.',
    }),
    invalid: Type.Union([Type.Literal('dead-letter'), Type.Literal('skip')], {
      default: 'dead-letter',
      description: 'What becomes of records that claim to be CloudEvents and are none, or that the mapping cannot map.',
    }),
  },
  { additionalProperties: false, description: 'Reads an existing Kafka topic in place.' },
)

export type KafkaSourceConfig = Static<typeof kafkaSourceSchema>
