import Type from 'typebox'
import { count, detail, known, nullable, oneOf, type View } from './view-schema.ts'

export const sourceView = Type.Object({
  name: Type.String(),
  kind: oneOf(['http', 'mqtt', 'kafka', 'schedule']),
  state: oneOf(['stopped', 'starting', 'running', 'impaired', 'disabled', 'paused']),
  stream: nullable(Type.String()),
  accepted: count(),
  duplicates: count(),
  refused: Type.Record(Type.String(), Type.Integer(), { description: 'By reason.' }),
  detail,
})

export const streamView = Type.Object({
  name: Type.String(),
  kind: oneOf(['home', 'kafka']),
  partitions: Type.Array(Type.Object({ partition: count(), low: count(), end: count() })),
  bytes: known('On disk; null for Kafka.'),
  detail,
})

export const sinkView = Type.Object({
  name: Type.String(),
  kind: oneOf(['http', 'mqtt', 'kafka', 'stream']),
  ready: Type.Boolean(),
  detail,
})

export const healthPart = Type.Object({
  name: Type.String({ description: 'Such as log, source:orders, function:alert.' }),
  state: Type.String(),
  ready: Type.Boolean(),
  detail,
})

export const gatewayHealth = Type.Object({
  healthy: Type.Boolean({ description: 'false asks for a restart: after a failed sync, for one.' }),
  ready: Type.Boolean({ description: 'Everything that has to run runs.' }),
  parts: Type.Array(healthPart),
})

export type SourceView = View<typeof sourceView>
export type StreamView = View<typeof streamView>
export type SinkView = View<typeof sinkView>
export type HealthPart = View<typeof healthPart>
export type GatewayHealth = View<typeof gatewayHealth>
