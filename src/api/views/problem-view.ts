import Type from 'typebox'

export const problemView = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable; see the error reference.' }),
    detail: Type.String({ description: 'What was wrong, where, and what to do.' }),
  },
  { additionalProperties: true, description: 'RFC 9457 problem document.' },
)
