import Type, { type Static } from 'typebox'
import { namePattern } from './name.ts'
import { scalingSchema } from './scaling.ts'

/** `team`, `example.com/team`: at most 128 letters, digits, dots, dashes, underscores and slashes. */
export const labelNamePattern = '^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$'

/** A host name, all hosts below one, or an IP address. */
const hostPattern = '^(\\*\\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$|^[0-9A-Fa-f:.]+$'

const maxAgeSchema = Type.Optional(
  Type.Integer({
    minimum: 1_000,
    maximum: 2_592_000_000,
    description:
      'Age in ms, from the acceptance of the event (of a Kafka record: from its timestamp), beyond which no further attempt begins: it becomes a dead letter. The first attempt begins at any age. Default: no limit.',
  }),
)

const retryModeSchema = Type.Optional(
  Type.Union([Type.Literal('in-order'), Type.Literal('delayed')], {
    description:
      'in-order: an event that failed holds up the later ones of its key. delayed: it is set aside, and they overtake it: order is given up for it. Default: in-order.',
  }),
)

/** Retry, as a function declares it: every field has its default here. */
const retrySchema = Type.Object(
  {
    maxAttempts: Type.Integer({ minimum: 1, maximum: 1000, default: 5, description: 'The first attempt included.' }),
    initialDelayMs: Type.Integer({ minimum: 0, maximum: 3_600_000, default: 200, description: 'Doubles per attempt.' }),
    maxDelayMs: Type.Integer({ minimum: 0, maximum: 86_400_000, default: 30_000 }),
    jitter: Type.Number({ minimum: 0, maximum: 1, default: 0.2, description: 'Share of a delay that is random.' }),
    maxAgeMs: maxAgeSchema,
    mode: retryModeSchema,
  },
  { additionalProperties: false, default: {}, description: 'How a failed attempt is repeated.' },
)

/** Retry, as a trigger overrides it: what is absent comes from the function. */
export const retryOverrideSchema = Type.Object(
  {
    maxAttempts: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    initialDelayMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 3_600_000 })),
    maxDelayMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 86_400_000 })),
    jitter: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    maxAgeMs: maxAgeSchema,
    mode: retryModeSchema,
  },
  { additionalProperties: false, description: "Overrides parts of the function's retry." },
)

/** When a worker is replaced, for code that leaks or grows slow. */
const recycleSchema = Type.Object(
  {
    maxCalls: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000, description: 'Default: any number.' })),
    maxAgeMs: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 2_592_000_000, description: 'Default: any age.' })),
    maxHeapShare: Type.Number({
      minimum: 0.1,
      maximum: 1,
      default: 0.85,
      description: 'Share of memoryMiB that its heap may hold after a full garbage collection.',
    }),
  },
  { additionalProperties: false, description: 'When a worker is replaced; its successor is ready before it goes.' },
)

/** What the function may ask of what stands behind it. */
const callLimitsSchema = Type.Object(
  {
    maxConcurrency: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100_000,
        description: 'Handler calls that run at a time. Default: no limit.',
      }),
    ),
    ratePerSecond: Type.Optional(
      Type.Number({
        minimum: 0.001,
        maximum: 10_000_000,
        description: 'Handler calls that begin per second, retries included, over time. Default: no limit.',
      }),
    ),
    burst: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000_000,
        description: 'Calls that begin at once after a quiet time. Default: those of one second.',
      }),
    ),
  },
  {
    additionalProperties: false,
    description: 'Spares what the function calls: counted over all of its versions on a node; a batch is one call.',
  },
)

const nameList = (description: string) =>
  Type.Optional(Type.Array(Type.String({ pattern: namePattern }), { maxItems: 256, uniqueItems: true, description }))

/** Also a property of a plain object, so the one name that is no property there is left out. */
const variableNamePattern = '^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]{0,127}$'

/** What a function may use. A list that is absent allows everything of its kind; an empty one allows nothing. */
const executionRoleSchema = Type.Object(
  {
    streams: nameList('Streams that its triggers may read and its results may enter.'),
    sinks: nameList('Sinks that its results may go to.'),
    secrets: nameList('Secrets of the gateway that its definition may refer to.'),
    bindings: nameList('Bindings of the gateway that its definition may refer to.'),
  },
  { additionalProperties: false, description: 'Execution role: what the function may use. Absent: everything.' },
)

/** Which hosts its HTTP sinks and HTTP bindings may reach. */
const networkPolicySchema = Type.Object(
  {
    allow: Type.Array(Type.String({ pattern: hostPattern, maxLength: 253 }), {
      maxItems: 256,
      description: 'Hosts: a name, *.domain for all below it, or an IP address. An empty list allows none.',
    }),
  },
  {
    additionalProperties: false,
    description: 'Hosts that results may be sent to by HTTP. Absent: those of the sinks.',
  },
)

/** How a function uses a binding of the gateway: under its own name, with defaults that may come from the event. */
const functionBindingSchema = Type.Object(
  {
    use: Type.String({ pattern: namePattern, description: 'The binding of the gateway (section `bindings`).' }),
    path: Type.Optional(
      Type.String({
        maxLength: 1024,
        description: 'HTTP: path below the base URL; {event.data.user} is taken from the event and escaped.',
      }),
    ),
    topic: Type.Optional(
      Type.String({ minLength: 1, maxLength: 1024, description: 'MQTT, Kafka: the topic; may hold placeholders.' }),
    ),
    key: Type.Optional(Type.String({ maxLength: 1024, description: 'Kafka: the key; may hold placeholders.' })),
  },
  { additionalProperties: false },
)

/** Everything that defines a function but its code: the fields of the whitepaper that belong to one version. */
export const functionDefinitionFields = {
  description: Type.Optional(Type.String({ maxLength: 1000, description: 'For people.' })),
  labels: Type.Record(Type.String({ pattern: labelNamePattern }), Type.String({ maxLength: 256 }), {
    default: {},
    maxProperties: 64,
    description: 'For finding it again: GET /v1/functions?label=team=billing.',
  }),
  runtime: Type.Literal('nodejs', { default: 'nodejs', description: 'ES modules in worker threads of Node.js.' }),
  handler: Type.String({
    minLength: 1,
    maxLength: 128,
    default: 'default',
    description: 'Name of the export that is called.',
  }),
  environment: Type.Record(Type.String({ pattern: variableNamePattern }), Type.String({ maxLength: 32_768 }), {
    default: {},
    maxProperties: 256,
    description: 'The only environment variables the handler sees.',
  }),
  secrets: Type.Record(Type.String({ pattern: variableNamePattern }), Type.String({ pattern: namePattern }), {
    default: {},
    maxProperties: 256,
    description: 'Secrets of the gateway (section `secrets`), by the name under which context.secrets has them.',
  }),
  bindings: Type.Record(Type.String({ pattern: variableNamePattern }), functionBindingSchema, {
    default: {},
    maxProperties: 64,
    description: 'Connections that the worker opens once and hands to the handler as context.bindings.',
  }),
  role: Type.Optional(executionRoleSchema),
  network: Type.Optional(networkPolicySchema),
  timeoutMs: Type.Integer({ minimum: 10, maximum: 3_600_000, default: 30_000, description: 'Of one attempt.' }),
  concurrency: Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 8,
    description: 'Events of different keys that one worker runs at a time, if the handler is asynchronous.',
  }),
  memoryMiB: Type.Integer({ minimum: 16, maximum: 16_384, default: 128, description: 'Heap limit of one worker.' }),
  maxResultBytes: Type.Integer({ minimum: 1, maximum: 67_108_864, default: 1_048_576 }),
  batch: Type.Optional(
    Type.Object(
      {
        maxEvents: Type.Integer({ minimum: 1, maximum: 10_000, description: 'Most events of one call.' }),
        maxBytes: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 524_288,
            description: 'Most bytes of the bodies in one call; one event alone may have more.',
          }),
        ),
        onError: Type.Union([Type.Literal('bisect'), Type.Literal('retry')], {
          default: 'bisect',
          description:
            'After a call that failed as a whole. bisect: its events run again in halves, uncharged, until the one that does it fails alone. retry: each of them is charged an attempt.',
        }),
        trace: Type.Optional(
          Type.Union([Type.Literal('links'), Type.Literal('parent')], {
            description:
              'The span of a call of several events. links (default): it begins a trace of its own, linked to its events. parent: it is part of the trace of the first of them, and linked to the others.',
          }),
        ),
      },
      { additionalProperties: false, description: 'The handler takes an array of events.' },
    ),
  ),
  limits: Type.Optional(callLimitsSchema),
  recycle: Type.Optional(recycleSchema),
  retry: retrySchema,
  scaling: scalingSchema,
}

/** A definition as the API takes it: the code comes beside it. */
export const functionDefinitionSchema = Type.Object(functionDefinitionFields, {
  additionalProperties: false,
  description: 'How a function runs.',
})

export type FunctionDefinition = Static<typeof functionDefinitionSchema>
export type ExecutionRole = Static<typeof executionRoleSchema>
export type NetworkPolicy = Static<typeof networkPolicySchema>
export type FunctionBinding = Static<typeof functionBindingSchema>
export type RetryOverride = Static<typeof retryOverrideSchema>
