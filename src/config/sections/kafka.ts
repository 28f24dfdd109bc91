import Type, { type Static } from 'typebox'

const saslSchema = Type.Object(
  {
    mechanism: Type.Union([Type.Literal('plain'), Type.Literal('scram-sha-256'), Type.Literal('scram-sha-512')], {
      default: 'scram-sha-512',
    }),
    username: Type.String({ minLength: 1 }),
    password: Type.String({ minLength: 1 }),
  },
  { additionalProperties: false, description: 'Authentication by SASL.' },
)

const tlsSchema = Type.Object(
  {
    caFile: Type.Optional(Type.String({ minLength: 1, description: 'PEM file of the authorities to trust.' })),
    certFile: Type.Optional(Type.String({ minLength: 1, description: 'PEM file of the client certificate.' })),
    keyFile: Type.Optional(Type.String({ minLength: 1, description: 'PEM file of the client key.' })),
    rejectUnauthorized: Type.Boolean({ default: true, description: 'false accepts any certificate: for tests only.' }),
  },
  { additionalProperties: false },
)

/** The connection to Apache Kafka that all Kafka sources and sinks share. */
export const kafkaSchema = Type.Object(
  {
    brokers: Type.Union([Type.String(), Type.Array(Type.String({ minLength: 1 }))], {
      default: '',
      description: 'Bootstrap brokers as host:port, in a list or separated by commas. Empty: Kafka parts are off.',
    }),
    clientId: Type.String({
      minLength: 1,
      maxLength: 255,
      default: 'sluice',
      description: 'client.id of every connection.',
    }),
    groupPrefix: Type.String({
      maxLength: 100,
      default: 'sluice-',
      description: 'Put before the name of a trigger to make its consumer group id.',
    }),
    sessionTimeoutMs: Type.Integer({ minimum: 6_000, maximum: 1_800_000, default: 45_000 }),
    replicationFactor: Type.Integer({
      minimum: 1,
      maximum: 32,
      default: 1,
      description: 'Of topics that Sluice creates. At least 3 where events matter.',
    }),
    ssl: Type.Optional(Type.Union([Type.Boolean(), tlsSchema], { description: 'true, or certificates by file.' })),
    sasl: Type.Optional(saslSchema),
  },
  { additionalProperties: false, default: {}, description: 'The connection to Apache Kafka.' },
)

/** As written; {@link KafkaConfig} of config.ts is what the rest of Sluice sees. */
export type KafkaSection = Static<typeof kafkaSchema>
