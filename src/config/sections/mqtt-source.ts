import Type, { type Static } from 'typebox'
import { mappingSchema } from './mapping.ts'
import { nameSchema } from './name.ts'
import { sourceLimitsSchema } from './source-limits.ts'

const strict = { additionalProperties: false }

/** An external broker and how Sluice is its client; the sinks use the same. */
export const mqttBrokerConnectionProperties = {
  url: Type.String({ pattern: '^mqtts?://[^\\s]+$', description: 'mqtt://host:port or mqtts://host:port.' }),
  protocolVersion: Type.Union([Type.Literal(4), Type.Literal(5)], {
    // Properties, reason codes and flow control are worth it wherever the broker can do them.
    default: 5,
    description: '4 is MQTT 3.1.1, 5 is MQTT 5.',
  }),
  username: Type.Optional(Type.String({ minLength: 1 })),
  password: Type.Optional(Type.String()),
  clientId: Type.Optional(
    Type.String({
      pattern: '^[0-9A-Za-z._-]{1,64}$',
      description: 'Fixed client id; two gateways on one broker need different ones. Default: sluice-<name>.',
    }),
  ),
  keepaliveSeconds: Type.Integer({ minimum: 5, maximum: 65_535, default: 30, description: 'Keep-alive.' }),
  connectTimeoutMs: Type.Integer({ minimum: 100, default: 10_000, description: 'For TCP, TLS and CONNACK.' }),
  rejectUnauthorized: Type.Boolean({ default: true, description: 'Whether a TLS certificate must be valid.' }),
  caFile: Type.Optional(Type.String({ minLength: 1, description: 'PEM file of the authority to trust.' })),
}

export const mqttSourceBrokerSchema = Type.Object(
  {
    ...mqttBrokerConnectionProperties,
    share: Type.Optional(
      Type.String({
        pattern: '^[^/+#\\s]{1,64}$',
        description: 'Subscribes as $share/<share>/<topic>: the broker spreads the messages over the group.',
      }),
    ),
    connections: Type.Integer({
      minimum: 1,
      maximum: 64,
      default: 1,
      description: 'Connections; more than one needs `share`. Order is then kept per connection only.',
    }),
    sessionExpirySeconds: Type.Integer({
      minimum: 0,
      maximum: 4_294_967_295,
      // A week: the broker keeps what arrives while the gateway is down over a long weekend.
      default: 604_800,
      description: 'How long the broker keeps the session without us (MQTT 5; 3.1.1 leaves it to the broker).',
    }),
    maxInflight: Type.Integer({
      minimum: 1,
      maximum: 65_535,
      default: 1_000,
      description: 'Messages of one connection that are not acknowledged yet (MQTT 5 receive maximum).',
    }),
    acceptTimeoutMs: Type.Integer({
      minimum: 100,
      maximum: 600_000,
      default: 20_000,
      description:
        'How long acknowledgements are withheld while the log cannot take events; then the connection is dropped ' +
        'and the broker keeps the messages. Never longer than the keep-alive.',
    }),
  },
  { ...strict, description: 'An external broker. Absent: the embedded one.' },
)

/** An MQTT source: topics of the embedded broker, or of an external one. */
export const mqttSourceSchema = Type.Object(
  {
    type: Type.Literal('mqtt'),
    topics: Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
      minItems: 1,
      maxItems: 100,
      description: 'Topic filters, such as devices/+/telemetry.',
    }),
    broker: Type.Optional(mqttSourceBrokerSchema),
    stream: Type.Optional(nameSchema("Home stream that the events go to. Default: the source's own name.")),
    enabled: Type.Boolean({ default: true }),
    description: Type.Optional(Type.String()),
    mapping: Type.Optional(mappingSchema),
    invalid: Type.Union([Type.Literal('dead-letter'), Type.Literal('refuse'), Type.Literal('skip')], {
      // Nothing is lost, and one bad message never blocks its subscription.
      default: 'dead-letter',
      description:
        'What happens to a message that claims to be a CloudEvent and is none, or where the mapping finds nothing: ' +
        'kept as a dead letter of the source, refused (the connection is closed; embedded broker only), or dropped.',
    }),
    limits: sourceLimitsSchema,
    deduplicate: Type.Union([Type.Literal(false), Type.Literal('event')], {
      default: false,
      description:
        'What makes two messages one, beside the packet ids of QoS 2: `event` is source and id of a CloudEvent. Of other ' +
        'messages the mapping can say it (mapping.dedupId).',
    }),
    retained: Type.Union([Type.Literal('skip'), Type.Literal('accept')], {
      // They are repeated on every new subscription, so each reconnect would run the functions again.
      default: 'skip',
      description: 'What happens to retained messages that an external broker sends for a new subscription.',
    }),
    forward: Type.Boolean({
      // It costs a third of the rate, and nothing tells a subscriber what it missed.
      default: false,
      description: 'Whether the embedded broker also hands the messages to its subscribers, after the durable append.',
    }),
  },
  { ...strict, description: 'Takes events from MQTT topics.' },
)

export type MqttSourceConfig = Static<typeof mqttSourceSchema>
export type MqttSourceBrokerConfig = Static<typeof mqttSourceBrokerSchema>
