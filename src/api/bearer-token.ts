import { createHash, timingSafeEqual } from 'node:crypto'

/**
 * Whether an `authorization` header carries the token. Takes the same time whatever is wrong: hashes of equal length are
 * compared, so that not even the token's length can be measured.
 */
export function hasBearerToken(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer +([^\s]+) *$/i.exec(authorization ?? '')?.[1] ?? ''
  return timingSafeEqual(digest(given), digest(token))
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
