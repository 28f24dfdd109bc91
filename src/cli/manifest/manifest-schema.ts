import Type, { type Static } from 'typebox'
import { aliasPattern } from '../../config/function-ref.ts'
import type { JsonSchema } from '../../config/json-schema.ts'
import { functionDefinitionFields } from '../../config/sections/function-definition.ts'
import { namedSchema } from '../../config/sections/name.ts'
import { triggerSchema } from '../../config/sections/trigger.ts'

const strict = { additionalProperties: false }

/** The version that the publication of this manifest makes or finds. */
export const newestVersion = 'latest-published'

const aliasTargetSchema = Type.Union(
  [
    Type.Integer({ minimum: 1, maximum: 999_999_999 }),
    Type.Literal(newestVersion),
    Type.Record(
      Type.String({ pattern: `^([1-9][0-9]{0,8}|${newestVersion})$` }),
      Type.Number({ minimum: 0, maximum: 100 }),
      { description: 'Weights in percent by version; they add up to 100.' },
    ),
  ],
  { description: `A version, ${newestVersion}, or weights by version.` },
)

const publishSchema = Type.Union(
  [
    Type.Boolean(),
    Type.Object(
      {
        description: Type.String({ maxLength: 1000, default: '', description: 'What is new in it.' }),
        labels: Type.Record(Type.String(), Type.String({ maxLength: 256 }), { default: {} }),
      },
      strict,
    ),
  ],
  { default: false, description: 'Whether changes are published as a numbered version.' },
)

const functionManifestSchema = Type.Object(
  {
    file: Type.String({ minLength: 1, description: 'The module that exports the handler, relative to this file.' }),
    files: Type.Array(Type.String({ minLength: 1, description: 'A path or glob below the folder of this file.' }), {
      default: [],
      maxItems: 63,
      description: 'Data files that lie beside the module.',
    }),
    ...functionDefinitionFields,
    publish: publishSchema,
    aliases: Type.Record(Type.String({ pattern: aliasPattern }), aliasTargetSchema, {
      default: {},
      description: 'Where aliases shall point; others stay as they are.',
    }),
  },
  { ...strict, description: 'A function: its code and how it runs.' },
)

/** The wanted state of functions and triggers: sluice.yaml of a function project, and what `sluice apply` takes. */
export const manifestSchema = Type.Object(
  {
    name: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$',
        description: 'Marks what apply makes, for --prune. Default: the name of the folder.',
      }),
    ),
    functions: namedSchema(functionManifestSchema, 'Functions by name.'),
    triggers: namedSchema(triggerSchema, 'What runs on which events, by name.'),
  },
  { ...strict, description: 'Functions and triggers as they shall be.' },
)

export type ManifestFile = Static<typeof manifestSchema>
export type FunctionManifest = Static<typeof functionManifestSchema>
export type AliasTarget = Static<typeof aliasTargetSchema>

/** The schema as the validator walks it: TypeBox writes plain JSON Schema. */
export const manifestJsonSchema = manifestSchema as unknown as JsonSchema
