import Type, { type Static } from 'typebox'
import type { JsonSchema } from './json-schema.ts'
import { apiSchema } from './sections/api.ts'
import { bindingSchema } from './sections/binding.ts'
import { diskSchema } from './sections/disk.ts'
import { functionSchema } from './sections/function.ts'
import { httpListenerSchema } from './sections/http-listener.ts'
import { httpSinkSchema } from './sections/http-sink.ts'
import { httpSourceFields } from './sections/http-source.ts'
import { kafkaSinkSchema } from './sections/kafka-sink.ts'
import { kafkaSourceSchema } from './sections/kafka-source.ts'
import { kafkaSchema } from './sections/kafka.ts'
import { loggingSchema } from './sections/logging.ts'
import { mqttBrokerSchema } from './sections/mqtt-broker.ts'
import { mqttSinkSchema } from './sections/mqtt-sink.ts'
import { mqttSourceSchema } from './sections/mqtt-source.ts'
import { namedSchema } from './sections/name.ts'
import { recentEventsSchema } from './sections/recent-events.ts'
import { scheduleSourceSchema } from './sections/schedule-source.ts'
import { secretSchema } from './sections/secret.ts'
import { shutdownSchema } from './sections/shutdown.ts'
import { sourceFields } from './sections/source-fields.ts'
import { streamSinkSchema } from './sections/stream-sink.ts'
import { streamSchema } from './sections/stream.ts'
import { telemetrySchema } from './sections/telemetry.ts'
import { triggerSchema } from './sections/trigger.ts'

const strict = { additionalProperties: false }

const httpSourceSchema = Type.Object(
  { ...httpSourceFields, ...sourceFields },
  { ...strict, description: 'Takes events by HTTP POST.' },
)

const sourceSchema = Type.Union([httpSourceSchema, mqttSourceSchema, kafkaSourceSchema, scheduleSourceSchema], {
  description: 'Where events come from.',
})

const sinkSchema = Type.Union([httpSinkSchema, mqttSinkSchema, kafkaSinkSchema, streamSinkSchema], {
  description: "Where a handler's results go.",
})

const examplesSchema = Type.Record(Type.String({ minLength: 1 }), Type.String({ minLength: 1 }), {
  default: {},
  description:
    'Commands to copy, by title; shown when the gateway is ready. {http}, {mqtt} and {kafka} are its addresses.',
})

/** The whole file. What is not in it has its default; {@link Config} is what the rest of Sluice sees. */
export const configSchema = Type.Object(
  {
    mode: Type.Literal('standalone', { default: 'standalone', description: 'Streams and registry are local.' }),
    dataDir: Type.String({
      minLength: 1,
      default: 'data',
      description: 'Directory of the embedded log, relative to this file. One process at a time.',
    }),
    http: httpListenerSchema,
    mqtt: mqttBrokerSchema,
    kafka: kafkaSchema,
    streams: namedSchema(streamSchema, 'Home streams. A source without a stream feeds one of its own name.'),
    sources: namedSchema(sourceSchema, 'Where events come from.'),
    secrets: namedSchema(secretSchema, 'What functions and bindings may refer to by name.'),
    bindings: namedSchema(bindingSchema, 'Connections that functions may use.'),
    functions: namedSchema(functionSchema, 'Functions that this file manages; others come by the API.'),
    sinks: namedSchema(sinkSchema, "Where handlers' results go."),
    triggers: namedSchema(triggerSchema, 'What runs on which events.'),
    api: apiSchema,
    telemetry: telemetrySchema,
    logging: loggingSchema,
    recentEvents: recentEventsSchema,
    disk: diskSchema,
    shutdown: shutdownSchema,
    examples: examplesSchema,
  },
  { ...strict, title: 'Sluice', description: 'Configuration of the Sluice event-streaming gateway.' },
)

/** The file with its defaults, before references and paths are resolved. */
export type ConfigFile = Static<typeof configSchema>
export type SourceConfig = Static<typeof sourceSchema>
export type SinkConfig = Static<typeof sinkSchema>

/** The schema as the validator walks it: TypeBox writes plain JSON Schema. */
export const configJsonSchema = configSchema as unknown as JsonSchema
