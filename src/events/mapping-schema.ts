import { Type, type Static } from 'typebox'

const fallback = {
  default: Type.Optional(Type.String({ description: 'Used when nothing is found.' })),
  optional: Type.Optional(Type.Boolean({ description: 'true: the attribute stays unset when nothing is found.' })),
}

const closed = { additionalProperties: false }

/** Where the value of one attribute comes from: a constant, or one place of the message with an optional fallback. */
export const MappingValueSchema = Type.Union([
  Type.String({ description: 'A constant.' }),
  Type.Object(
    {
      header: Type.String({ minLength: 1, description: 'HTTP header or Kafka header; for MQTT 5 a user property.' }),
      ...fallback,
    },
    closed,
  ),
  Type.Object({ query: Type.String({ minLength: 1, description: 'HTTP query parameter.' }), ...fallback }, closed),
  Type.Object(
    {
      topicLevel: Type.Integer({
        minimum: -128,
        maximum: 127,
        description: 'Level of the MQTT topic from 0; -1 is the last one. Level 1 of devices/d7/temperature is d7.',
      }),
      ...fallback,
    },
    closed,
  ),
  Type.Object(
    {
      pointer: Type.String({
        description: 'JSON pointer (RFC 6901) into a JSON body of at most 64 KiB; finds strings, numbers and booleans.',
      }),
      ...fallback,
    },
    closed,
  ),
  Type.Object({ kafkaKey: Type.Literal(true, { description: 'The key of the Kafka record.' }), ...fallback }, closed),
])

const optionalValue = Type.Optional(MappingValueSchema)

/** How a body that is no CloudEvent becomes an event: `mapping` of a source in the configuration. */
export const MappingSchema = Type.Object(
  {
    type: optionalValue,
    source: optionalValue,
    subject: optionalValue,
    id: optionalValue,
    time: optionalValue,
    datacontenttype: optionalValue,
    dataschema: optionalValue,
    partitionkey: Type.Optional(MappingValueSchema),
    dedupId: Type.Optional(MappingValueSchema),
    extensions: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z0-9]{1,20}$' }), MappingValueSchema, {
        additionalProperties: false,
        description: 'Extension attributes.',
      }),
    ),
  },
  { additionalProperties: false, description: 'How a body that is no CloudEvent becomes an event.' },
)

export type MappingValue = Static<typeof MappingValueSchema>
export type Mapping = Static<typeof MappingSchema>
