import { createHash } from 'node:crypto'
import type { FunctionDefinition } from '../config/sections/function-definition.ts'
import type { CodeRef } from './code-ref.ts'

/**
 * SHA-256 over code and definition, as hex: what "the same content" means, and the key of the worker pool. The same
 * whatever the order in which fields are named. The path of a file counts: what it imports is found from there.
 */
export function versionHash(definition: FunctionDefinition, code: CodeRef): string {
  const canonical = JSON.stringify(definition, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
  const hash = createHash('sha256')
  // The length keeps the parts apart: no code can pretend to be the end of a definition.
  hash.update(`${Buffer.byteLength(canonical)}\n${canonical}`)
  hash.update(code.kind === 'file' ? `file\n${code.hash}\n${code.path}` : `artifact\n${code.hash}`)
  return hash.digest('hex')
}
