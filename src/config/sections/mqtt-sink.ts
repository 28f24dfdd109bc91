import Type, { type Static } from 'typebox'
import { mqttBrokerConnectionProperties } from './mqtt-source.ts'

const strict = { additionalProperties: false }

/** An MQTT sink: every result is published to a topic. */
export const mqttSinkSchema = Type.Object(
  {
    type: Type.Literal('mqtt'),
    topic: Type.String({
      minLength: 1,
      maxLength: 1024,
      description: 'Topic; placeholders such as {subject} are taken from the result and its cause.',
    }),
    broker: Type.Optional(
      Type.Object(mqttBrokerConnectionProperties, {
        ...strict,
        description:
          'An external broker. Absent: the subscribers of the embedded one, which keeps nothing for the others.',
      }),
    ),
    qos: Type.Union([Type.Literal(0), Type.Literal(1), Type.Literal(2)], {
      default: 1,
      description: 'QoS 0 counts as delivered when it is written to the socket.',
    }),
    retain: Type.Boolean({ default: false }),
    contentMode: Type.Union([Type.Literal('binary'), Type.Literal('structured'), Type.Literal('plain')], {
      default: 'binary',
      description:
        'How a CloudEvent is written: attributes as MQTT 5 user properties (binary; the bare body where the protocol ' +
        'has none), one JSON envelope (structured), or the bare body (plain).',
    }),
    timeoutMs: Type.Integer({ minimum: 1, maximum: 300_000, default: 10_000, description: 'For one acknowledgement.' }),
    maxInflight: Type.Integer({
      minimum: 1,
      maximum: 65_535,
      default: 100,
      description: 'Unacknowledged publications; more wait within their time-out.',
    }),
  },
  { ...strict, description: 'Publishes results to an MQTT topic.' },
)

export type MqttSinkConfig = Static<typeof mqttSinkSchema>
