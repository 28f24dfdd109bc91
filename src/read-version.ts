import { readFileSync } from 'node:fs'

/** Sluice's version. Sources and build both lie one level below package.json. */
export function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}
