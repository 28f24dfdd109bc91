import Type, { type Static } from 'typebox'
import { namePattern } from './name.ts'
import { mqttBrokerConnectionProperties } from './mqtt-source.ts'

const strict = { additionalProperties: false }

/** An HTTP service with its credentials. */
const httpBindingSchema = Type.Object(
  {
    type: Type.Literal('http'),
    baseUrl: Type.String({ pattern: '^https?://', description: 'Every request stays below it.' }),
    headers: Type.Record(Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" }), Type.String(), {
      default: {},
      description: 'Sent with every request, such as authorization.',
    }),
    bearer: Type.Optional(
      Type.String({ pattern: namePattern, description: 'Name of the secret that is sent as a bearer token.' }),
    ),
    timeoutMs: Type.Integer({ minimum: 1, maximum: 300_000, default: 10_000, description: 'For one whole request.' }),
  },
  { ...strict, description: 'An HTTP service.' },
)

/** A producer to an MQTT broker. */
const mqttBindingSchema = Type.Object(
  {
    type: Type.Literal('mqtt'),
    broker: Type.Object(mqttBrokerConnectionProperties, { ...strict, description: 'The broker.' }),
    qos: Type.Union([Type.Literal(0), Type.Literal(1), Type.Literal(2)], { default: 1 }),
    timeoutMs: Type.Integer({ minimum: 1, maximum: 300_000, default: 10_000, description: 'For one acknowledgement.' }),
  },
  { ...strict, description: 'A producer to an MQTT broker.' },
)

/** A producer to the Kafka cluster of the gateway. */
const kafkaBindingSchema = Type.Object(
  { type: Type.Literal('kafka') },
  { ...strict, description: "A producer to the gateway's Kafka cluster (section `kafka`)." },
)

/** A named connection that functions may use: the worker opens it once and hands it to the handler. */
export const bindingSchema = Type.Union([httpBindingSchema, mqttBindingSchema, kafkaBindingSchema], {
  description: 'A connection that functions may use.',
})

export type BindingConfig = Static<typeof bindingSchema>
export type HttpBindingConfig = Static<typeof httpBindingSchema>
export type MqttBindingConfig = Static<typeof mqttBindingSchema>
