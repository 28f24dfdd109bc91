import Type, { type Static } from 'typebox'

/**
 * A secret of the gateway. Functions refer to it by name; its value reaches a worker and nothing else: no answer, no log,
 * no error, no registry.
 */
export const secretSchema = Type.Union(
  [
    Type.String({ minLength: 1, description: 'The value; take it from the environment: ${NAME}.' }),
    Type.Object(
      { file: Type.String({ minLength: 1, description: 'File that holds the value, relative to this file.' }) },
      { additionalProperties: false, description: 'Read at start; one line break at the end is cut off.' },
    ),
  ],
  { description: 'A secret that functions may refer to.' },
)

export type SecretConfig = Static<typeof secretSchema>
