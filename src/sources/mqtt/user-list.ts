import { createHash, timingSafeEqual } from 'node:crypto'

export interface MqttUser {
  readonly username: string
  readonly password: string
}

/** Checks a name and password in a time that does not depend on either; an empty list lets everybody in. */
export function createUserCheck(
  users: readonly MqttUser[],
): (username: string | undefined, password: Buffer | undefined) => boolean {
  if (users.length === 0) return () => true
  const known = users.map(user => digest(user.username, Buffer.from(user.password)))
  return (username, password) => {
    const presented = digest(username ?? '', password ?? Buffer.alloc(0))
    let found = false
    for (const each of known) if (timingSafeEqual(each, presented)) found = true
    return found && username !== undefined && password !== undefined
  }
}

function digest(username: string, password: Buffer): Buffer {
  const name = Buffer.from(username)
  // The length keeps ("ab", "c") and ("a", "bc") apart.
  return createHash('sha256').update(`${name.length}:`).update(name).update(password).digest()
}
