import Type, { type TSchema } from 'typebox'
import { aliasPattern } from '../../config/function-ref.ts'
import { namePattern } from '../../config/sections/name.ts'
import { SluiceError } from '../../errors/sluice-error.ts'

/** What may stand in a path. A value that can never exist is refused with 400, before anybody looks for it. */
export interface PathParameter {
  readonly schema: TSchema & { readonly pattern: string }
  /** What is allowed, in words. */
  readonly allowed: string
}

const parameter = (pattern: string, allowed: string, description: string, example: string): PathParameter => ({
  schema: { ...Type.String({ pattern, description, examples: [example] }), pattern },
  allowed,
})

export const nameWords = 'a name of at most 63 characters a–z, 0–9 and -, not beginning with -'

export const functionName = parameter(namePattern, nameWords, 'Name of a function.', 'price')

export const triggerName = parameter(namePattern, nameWords, 'Name of a trigger.', 'price-orders')

/** Sources have dead letters too: events that could not be taken in. */
export const deadLetterOwner = parameter(
  `^(source:)?${namePattern.slice(1)}`,
  `${nameWords}, or source: and such a name`,
  'Name of a trigger, or source:<name>.',
  'price-orders',
)

/** Ids are safe integers. */
const idPattern = '^[1-9][0-9]{0,14}$'

export const deadLetterId = parameter(idPattern, 'the id of a dead letter, a whole number', 'Id of a dead letter.', '1')

export const redriveId = parameter(idPattern, 'the id of a redrive, a whole number', 'Id of a redrive.', '1')

export const versionNumber = parameter(
  '^[1-9][0-9]{0,8}$',
  'the number of a published version, from 1 to 999999999',
  'Number of a published version.',
  '3',
)

export const aliasName = parameter(
  aliasPattern,
  'a name of at most 63 characters a–z, 0–9 and -, beginning with a letter',
  'Name of an alias.',
  'live',
)

export const pauseId = parameter(
  '^[0-9a-f]{16}$',
  'the id of a pause, 16 characters 0–9 and a–f',
  'Id of a pause.',
  '3f2a9c0d41b75e68',
)

/** @throws {SluiceError} SLUICE_API_INVALID_REQUEST that says what is allowed. */
export function checkPathParameters(
  parameters: Readonly<Record<string, PathParameter>>,
  values: Readonly<Record<string, string | undefined>>,
): void {
  for (const [name, { schema, allowed }] of Object.entries(parameters)) {
    if (new RegExp(schema.pattern, 'u').test(values[name] ?? '')) continue
    throw new SluiceError('SLUICE_API_INVALID_REQUEST', `the ${name} in the path must be ${allowed}`, {
      details: { parameter: name, pattern: schema.pattern },
    })
  }
}
