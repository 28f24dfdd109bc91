import { userInfo } from 'node:os'

/** Who runs the command; containers run users that have no name. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    return 'cli'
  }
}
