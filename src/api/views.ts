import Type, { type Static } from 'typebox'

/**
 * What the API answers, as schemas: the types of {@link GatewayControl} and the OpenAPI document come from here. Views are
 * plain JSON; a number that is not known now is null, which never means zero.
 */
const count = (description?: string) =>
  Type.Integer({ minimum: 0, ...(description === undefined ? {} : { description }) })
const known = (description?: string) =>
  Type.Union([Type.Integer(), Type.Null()], description === undefined ? {} : { description })
const detail = Type.Optional(Type.String({ description: 'Why, in words.' }))
const oneOf = <const Values extends readonly string[]>(values: Values) => Type.Enum(values)

export const partitionView = Type.Object({
  partition: count(),
  committed: known('Next offset that is not completed; null: nothing was ever committed.'),
  end: known('Offset that the next event will get.'),
  lag: known('Events that are not completed; null: not known now, which never means zero.'),
  inFlight: count(),
})

export const pauseView = Type.Object({
  reason: Type.String(),
  by: Type.String(),
  sinceMs: Type.Integer({ description: 'ms since the epoch.' }),
})

export const triggerView = Type.Object({
  name: Type.String(),
  state: oneOf(['running', 'pausing', 'paused', 'stopped', 'disabled']),
  stream: Type.String(),
  function: Type.String(),
  ordering: oneOf(['key', 'none']),
  sinks: Type.Array(Type.String()),
  lag: known('Sum over the partitions.'),
  inFlight: count('Events between reading and completion.'),
  parkedKeys: count('Keys whose events wait aside.'),
  parkedEvents: count(),
  retries: count('Attempts after the first, since the start.'),
  succeeded: count('Events, since the start.'),
  failed: count('Attempts, since the start.'),
  deadLetters: count('Kept now.'),
  partitions: Type.Array(partitionView),
  paused: Type.Union([pauseView, Type.Null()]),
  detail,
})

export const deadLetterView = Type.Object({
  id: Type.Integer({ description: 'Ascending in the order of their making.' }),
  trigger: Type.String(),
  stream: Type.String(),
  partition: count(),
  offset: count(),
  key: Type.String(),
  stage: oneOf(['source', 'handler', 'sink']),
  function: Type.String({ description: 'name@version; empty for a source.' }),
  reason: Type.String(),
  message: Type.String(),
  failures: Type.Array(Type.Unknown(), { description: 'The attempts with their errors.' }),
  createdAtMs: Type.Integer(),
  event: Type.Record(Type.String(), Type.Unknown(), { description: 'CloudEvents attributes.' }),
  dataBase64: Type.Union([Type.String(), Type.Null()], { description: 'First 64 KiB; null for a tombstone.' }),
  dataBytes: count(),
})

export const deadLetterPage = Type.Object({
  items: Type.Array(deadLetterView),
  total: count(),
  next: known('Give it as `before` for the next page; null at the end.'),
})

export const functionView = Type.Object({
  name: Type.String(),
  version: Type.String(),
  hash: Type.String(),
  state: oneOf(['starting', 'ready', 'draining', 'quarantined', 'closed']),
  timeoutMs: count(),
  concurrency: count(),
  minWorkers: count(),
  maxWorkers: count(),
  workers: count('Threads alive.'),
  busy: count('Threads at work.'),
  succeeded: count(),
  failed: count(),
  coldStarts: count(),
  killed: count(),
  serviceTimeMs: Type.Union([Type.Number(), Type.Null()], { description: 'Smoothed time of one event in ms.' }),
  detail,
})

export const sourceView = Type.Object({
  name: Type.String(),
  kind: oneOf(['http', 'mqtt', 'kafka']),
  state: oneOf(['stopped', 'starting', 'running', 'impaired', 'disabled']),
  stream: Type.Union([Type.String(), Type.Null()]),
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

export const scalingDecisionView = Type.Object({
  atMs: Type.Integer(),
  function: Type.String(),
  from: count(),
  to: count(),
  reason: Type.String(),
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

export const problemView = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable; see the error reference.' }),
    detail: Type.String(),
  },
  { additionalProperties: true, description: 'RFC 9457 problem document.' },
)

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T

export type PartitionView = DeepReadonly<Static<typeof partitionView>>
export type PauseView = DeepReadonly<Static<typeof pauseView>>
export type TriggerView = DeepReadonly<Static<typeof triggerView>>
export type DeadLetterView = DeepReadonly<Static<typeof deadLetterView>>
export type DeadLetterPage = DeepReadonly<Static<typeof deadLetterPage>>
export type FunctionView = DeepReadonly<Static<typeof functionView>>
export type SourceView = DeepReadonly<Static<typeof sourceView>>
export type StreamView = DeepReadonly<Static<typeof streamView>>
export type SinkView = DeepReadonly<Static<typeof sinkView>>
export type ScalingDecisionView = DeepReadonly<Static<typeof scalingDecisionView>>
export type HealthPart = DeepReadonly<Static<typeof healthPart>>
export type GatewayHealth = DeepReadonly<Static<typeof gatewayHealth>>
