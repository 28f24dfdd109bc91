import Type, { type Static } from 'typebox'
import { FilterSchema } from '../../events/filter-schema.ts'
import { functionRefPattern } from '../function-ref.ts'
import { breakerSchema } from './breaker.ts'
import { retryOverrideSchema } from './function-definition.ts'
import { nameSchema } from './name.ts'

const startSchema = Type.Union(
  [
    Type.Literal('earliest'),
    Type.Literal('latest'),
    Type.Object({ timestampMs: Type.Integer({ minimum: 0 }) }, { additionalProperties: false }),
    Type.Object({ offset: Type.Integer({ minimum: 0 }) }, { additionalProperties: false }),
  ],
  { default: 'earliest', description: 'Where a trigger without committed offsets begins.' },
)

/** A trigger: stream + filter → function. It is a consumer group of its own. */
export const triggerSchema = Type.Object(
  {
    stream: nameSchema('The stream whose events run the function.'),
    enabled: Type.Boolean({ default: true }),
    description: Type.Optional(Type.String()),
    filter: Type.Optional(FilterSchema),
    function: Type.String({
      pattern: functionRefPattern,
      description:
        'The function to run: its latest version (price), a published one (price@3) or an alias (price@live).',
    }),
    ordering: Type.Union([Type.Literal('key'), Type.Literal('partition'), Type.Literal('none')], {
      default: 'key',
      description:
        'key: events of one key run one after the other, in their order. partition: all events of a partition do; one that fails holds up its partition.',
    }),
    delivery: Type.Optional(
      Type.Union([Type.Literal('at-least-once'), Type.Literal('at-most-once')], {
        description:
          'at-most-once: the offset is committed before the event runs, once, and nothing is tried again; a crash loses up to maxInFlight events of each partition. Default: at-least-once.',
      }),
    ),
    start: startSchema,
    sinks: Type.Array(nameSchema('A sink.'), { default: [], description: 'Where results go.', uniqueItems: true }),
    maxInFlight: Type.Integer({
      minimum: 1,
      maximum: 100_000,
      default: 2_000,
      description: 'Events of one partition between reading and completion: the bound of duplicates after a crash.',
    }),
    retry: Type.Optional(retryOverrideSchema),
    breaker: Type.Optional(breakerSchema),
  },
  { additionalProperties: false, description: 'Runs a function on the events of a stream.' },
)

export type TriggerConfig = Static<typeof triggerSchema>
