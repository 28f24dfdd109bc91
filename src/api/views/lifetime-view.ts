import Type from 'typebox'
import { nullable, timeMs, type View } from './view-schema.ts'

export const deletionView = Type.Object({
  deleted: Type.String({ description: 'The function or trigger by name, a version or alias as price@3.' }),
})

/** What `sluice dev` made lives on until then. */
export const leaseView = Type.Object({
  function: nullable(Type.String()),
  trigger: nullable(Type.String()),
  expiresAtMs: timeMs(),
})

export type LeaseView = View<typeof leaseView>
