import Type, { type Static } from 'typebox'
import { functionDefinitionFields } from './function-definition.ts'

/** One function of the configuration: an ES module of the user and how its workers run. */
export const functionSchema = Type.Object(
  {
    file: Type.String({ minLength: 1, description: 'The ES module, relative to the configuration file.' }),
    ...functionDefinitionFields,
  },
  { additionalProperties: false, description: 'A function: an ES module and how its workers run.' },
)

export type FunctionConfig = Static<typeof functionSchema>
