import Type, { type Static } from 'typebox'
import { nameSchema } from './name.ts'

/** A stream sink: results become events of a home stream, and so the input of other triggers. */
export const streamSinkSchema = Type.Object(
  {
    type: Type.Literal('stream'),
    stream: nameSchema('A home stream.'),
  },
  { additionalProperties: false, description: 'Appends results to a stream: the input of another function.' },
)

export type StreamSinkConfig = Static<typeof streamSinkSchema>
