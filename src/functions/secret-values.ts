import { readFileSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { messageOf, SluiceError } from '../errors/sluice-error.ts'

/**
 * The values of the gateway's secrets, by name. Files are read once, at start; one line break at their end is no part of
 * the value.
 * @throws {SluiceError} SLUICE_CONFIG_UNREADABLE naming the file and its place, never a value.
 */
export function readSecrets(config: Pick<Config, 'secrets' | 'place'>): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const [name, secret] of config.secrets) {
    if (typeof secret === 'string') values.set(name, secret)
    else {
      try {
        values.set(name, readFileSync(secret.file, 'utf8').replace(/\r?\n$/, ''))
      } catch (error) {
        const place = config.place('secrets', name, 'file')
        const message = `${place}: the secret '${name}' cannot be read: ${messageOf(error)}`
        throw new SluiceError('SLUICE_CONFIG_UNREADABLE', message, { cause: error })
      }
    }
  }
  return values
}
