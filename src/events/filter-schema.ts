import { Type, type Static } from 'typebox'

const closed = { additionalProperties: false }
const attributeName = '^[a-z0-9]{1,20}$'

const TextPatternSchema = Type.Union([
  Type.String({ description: 'The exact value; a final * stands for any rest, and * alone for any value.' }),
  Type.Object({ exact: Type.String() }, closed),
  Type.Object({ prefix: Type.String({ minLength: 1 }) }, closed),
  Type.Object({ suffix: Type.String({ minLength: 1 }) }, closed),
  Type.Object({ exists: Type.Boolean() }, closed),
])

/** Condition on one attribute; a list is fulfilled by any of its patterns. */
export const AttributeConditionSchema = Type.Union([
  TextPatternSchema,
  Type.Array(TextPatternSchema, { minItems: 1, maxItems: 1000 }),
])

const DataPatternSchema = Type.Union([
  Type.String({ description: 'As for attributes.' }),
  Type.Number(),
  Type.Boolean(),
  Type.Null(),
  Type.Object({ exact: Type.String() }, closed),
  Type.Object({ prefix: Type.String({ minLength: 1 }) }, closed),
  Type.Object({ suffix: Type.String({ minLength: 1 }) }, closed),
  Type.Object({ exists: Type.Boolean() }, closed),
  Type.Object(
    {
      gt: Type.Optional(Type.Number()),
      gte: Type.Optional(Type.Number()),
      lt: Type.Optional(Type.Number()),
      lte: Type.Optional(Type.Number()),
    },
    { ...closed, minProperties: 1, description: 'A number within these bounds.' },
  ),
])

/** Condition on one value of a JSON body; a list is fulfilled by any of its patterns. */
export const DataConditionSchema = Type.Union([
  DataPatternSchema,
  Type.Array(DataPatternSchema, { minItems: 1, maxItems: 1000 }),
])

const simpleConditions = {
  data: Type.Optional(
    Type.Record(Type.String({ pattern: '^(/.*)?$' }), DataConditionSchema, {
      ...closed,
      description:
        'JSON pointers into a JSON body of at most 64 KiB and what is to be there; a larger or other body does not match.',
    }),
  ),
  exact: Type.Optional(Type.Record(Type.String({ pattern: attributeName }), Type.String(), closed)),
  prefix: Type.Optional(Type.Record(Type.String({ pattern: attributeName }), Type.String({ minLength: 1 }), closed)),
  suffix: Type.Optional(Type.Record(Type.String({ pattern: attributeName }), Type.String({ minLength: 1 }), closed)),
}

/** A filter without nested ones. */
export const SimpleFilterSchema = Type.Object(simpleConditions, { additionalProperties: AttributeConditionSchema })

/**
 * Which events of a stream a trigger takes. All members must be fulfilled. A member is an attribute with its condition
 * (`type: com.acme.*`), conditions on the body (`data`), or one of the CloudEvents Subscriptions dialects `exact`, `prefix`,
 * `suffix`, `all`, `any`, `not`; an extension that has the name of a dialect is written as `exact: { any: x }`.
 */
export const FilterSchema = Type.Object(
  {
    ...simpleConditions,
    all: Type.Optional(Type.Array(SimpleFilterSchema, { minItems: 1 })),
    any: Type.Optional(Type.Array(SimpleFilterSchema, { minItems: 1 })),
    not: Type.Optional(SimpleFilterSchema),
  },
  {
    additionalProperties: AttributeConditionSchema,
    description: 'Which events a trigger takes; all members must match.',
  },
)

export type AttributeCondition = Static<typeof AttributeConditionSchema>
export type DataCondition = Static<typeof DataConditionSchema>

export interface Filter {
  readonly [attribute: string]: unknown
}
