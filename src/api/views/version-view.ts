import Type from 'typebox'
import { functionDefinitionSchema } from '../../config/sections/function-definition.ts'
import { count, oneOf, timeMs, type View } from './view-schema.ts'

const codeFile = Type.Object({ name: Type.String(), bytes: count() })

/** The code of a version without its text. */
export const codeView = Type.Object({
  kind: oneOf(['artifact', 'file'], 'artifact: uploaded. file: of the user, named by the configuration file.'),
  hash: Type.String({ description: 'SHA-256 over all files, as hex.' }),
  bytes: count('Sum over the files.'),
  files: Type.Array(codeFile, { description: 'The module first.' }),
})

/** The code of a version with the text of its module. */
export const codeContentView = Type.Object({
  hash: Type.String(),
  files: Type.Array(codeFile, { description: 'The module first.' }),
  module: Type.String({ description: 'Text of the module.' }),
})

const versionFields = {
  version: Type.Integer({ minimum: 1 }),
  hash: Type.String({ description: 'SHA-256 over code and definition: what "the same content" means.' }),
  codeHash: Type.String(),
  description: Type.String({ description: "Of the publication; '' for none." }),
  labels: Type.Record(Type.String(), Type.String(), { description: 'Of the publication.' }),
  createdAtMs: timeMs(),
}

/** A published version in the view of its function. */
export const versionSummary = Type.Object(versionFields)

/** A published version. It never changes. */
export const versionView = Type.Object({
  function: Type.String(),
  ...versionFields,
  code: codeView,
  definition: functionDefinitionSchema,
  unchanged: Type.Optional(
    Type.Literal(true, { description: 'Nothing was published: this version has the same content already.' }),
  ),
})

export type CodeView = View<typeof codeView>
export type CodeContentView = View<typeof codeContentView>
export type VersionSummary = View<typeof versionSummary>
export type VersionView = View<typeof versionView>
