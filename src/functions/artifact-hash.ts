import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { inOrder } from './artifact-name.ts'

/** Hashed before the event loop gets a turn: below a millisecond or two. */
const turnBytes = 1_048_576

/**
 * SHA-256 over names and contents, as hex. Name and length stand before each content, so that no two different sets of
 * files give the same bytes; the order in which the files are given does not matter.
 */
export async function artifactHash(files: ReadonlyMap<string, Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  let sinceTurn = 0
  for (const name of inOrder(files.keys())) {
    const content = files.get(name) as Uint8Array
    hash.update(`${Buffer.byteLength(name)} ${content.byteLength}\n${name}\n`)
    for (let at = 0; at < content.byteLength; at += turnBytes) {
      const part = content.subarray(at, at + turnBytes)
      hash.update(part)
      sinceTurn += part.byteLength
      if (sinceTurn < turnBytes) continue
      sinceTurn = 0
      await nextTurn()
    }
  }
  return hash.digest('hex')
}
