import Type, { type Static, type TObject, type TSchema } from 'typebox'
import { namePattern } from '../../config/sections/name.ts'
import type { DeadLetterFilter } from '../../store/dead-letters.ts'
import { time, timeOf, versionText } from './route-fields.ts'

const text = (maxLength: number, description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength, description }))

/** What letters can be chosen by, in queries and bodies: all that is given must hold. */
export const letterFilterFields = {
  from: time('Became a dead letter at this time or later:'),
  to: time('Became a dead letter before this time:'),
  key: text(1_024, 'Ordering key of the event.'),
  eventId: text(1_024, 'Id of the event.'),
  stage: Type.Optional(Type.Enum(['source', 'handler', 'sink'], { description: 'What failed.' })),
  reason: text(256, 'Last reason, such as error, timeout or too-old.'),
  function: Type.Optional(Type.String({ pattern: namePattern, description: 'Function that ran the last attempt.' })),
  version: Type.Optional({ ...versionText, description: 'Version that ran the last attempt: `latest` or a number.' }),
  text: text(200, 'Part of the message, whatever its case.'),
} satisfies Readonly<Record<string, TSchema>>

/** @param where the fields stand, for errors. @throws {SluiceError} SLUICE_API_INVALID_REQUEST for a time that is none. */
export function filterOf(
  { from, to, ...rest }: Static<TObject<typeof letterFilterFields>>,
  where: string,
): DeadLetterFilter {
  return {
    ...rest,
    ...(from === undefined ? {} : { fromMs: timeOf(from, `${where}.from`) }),
    ...(to === undefined ? {} : { toMs: timeOf(to, `${where}.to`) }),
  }
}
