import Type, { type Static } from 'typebox'
import { SluiceError } from '../errors/sluice-error.ts'
import { maxArtifactFiles, moduleFileName } from '../functions/artifact.ts'

/** Largest body of an upload: code of the largest size, escaped or in base64. */
export const maxUploadBytes = 96 * 1024 * 1024

const sourceMapFileName = `${moduleFileName}.map`

/** Code as it is uploaded. Sizes and names are checked by the artifact store, which knows its limits. */
export const codeSchema = Type.Object(
  {
    module: Type.String({ minLength: 1, description: 'Text of the ES module, complete in itself.' }),
    sourceMap: Type.Optional(Type.String({ minLength: 1, description: 'Its source map, as JSON text.' })),
    files: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z0-9._/-]{1,200}$' }), Type.String({ contentEncoding: 'base64' }), {
        additionalProperties: false,
        maxProperties: maxArtifactFiles,
        description: 'Data files beside the module, by name, in base64.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Code. Absent: the code stays as it is.' },
)

/**
 * The files of an artifact.
 * @throws {SluiceError} SLUICE_API_INVALID_REQUEST for a file that is no base64 or has the name of the module.
 */
export function decodeCode(code: Static<typeof codeSchema>): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>([[moduleFileName, Buffer.from(code.module)]])
  if (code.sourceMap !== undefined) files.set(sourceMapFileName, Buffer.from(code.sourceMap))
  for (const [name, text] of Object.entries(code.files ?? {})) {
    if (name === moduleFileName || name === sourceMapFileName) {
      throw invalid(
        `code.files.${JSON.stringify(name)} is the name of ${name === moduleFileName ? 'the module: give it as code.module' : 'the source map: give it as code.sourceMap'}`,
      )
    }
    const bytes = Buffer.from(text, 'base64')
    // Node skips what is no base64; only what comes back the same was complete.
    if (bytes.toString('base64') !== text) {
      throw invalid(
        `code.files.${JSON.stringify(name)} is not base64 (RFC 4648 §4, with padding and without line breaks)`,
      )
    }
    files.set(name, bytes)
  }
  return files
}

const invalid = (message: string): SluiceError => new SluiceError('SLUICE_API_INVALID_REQUEST', message)
