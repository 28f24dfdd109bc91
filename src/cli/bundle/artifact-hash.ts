import { createHash } from 'node:crypto'

/**
 * The hash under which the gateway keeps these files, so that the CLI can say what would change before anything is
 * uploaded. A test holds it against the gateway's own.
 */
export function artifactHash(files: ReadonlyMap<string, Uint8Array>): string {
  const rank = (name: string): string => (name === 'index.mjs' ? '' : name)
  const hash = createHash('sha256')
  for (const [name, content] of [...files].sort(([a], [b]) => (rank(a) < rank(b) ? -1 : 1))) {
    hash.update(`${Buffer.byteLength(name)} ${content.byteLength}\n${name}\n`)
    hash.update(content)
  }
  return hash.digest('hex')
}
