import Type from 'typebox'
import { mappingSchema } from './mapping.ts'
import { nameSchema } from './name.ts'

/** What every source has, whatever its type. */
export const sourceFields = {
  enabled: Type.Boolean({
    default: true,
    description: 'false: the source is not started; what its stream holds is still processed.',
  }),
  description: Type.Optional(Type.String({ description: 'For people.' })),
  stream: Type.Optional(nameSchema("The stream that it feeds. Default: one of the source's own name.")),
  mapping: Type.Optional(mappingSchema),
}
