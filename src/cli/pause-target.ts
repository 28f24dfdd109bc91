import type { PauseEntry, PauseTarget } from '../api/views/pause-view.ts'
import { parseFunctionRef } from '../config/function-ref.ts'
import { SluiceError } from '../errors/sluice-error.ts'

/** What each kind is followed by. */
const kinds: Readonly<Record<PauseTarget['kind'], string>> = {
  trigger: '<trigger>',
  partition: '<trigger> <partition>',
  key: '<trigger> <key>',
  version: '<function>@<version>',
  source: '<source>',
  function: '<function>',
  alias: '<function>@<alias>',
}

/** How a target is written, for usage and help. */
export const targetUsage = `<trigger> | ${Object.entries(kinds)
  .filter(([kind]) => kind !== 'trigger')
  .map(([kind, names]) => `${kind} ${names}`)
  .join(' | ')}`

/**
 * One word is a trigger; more begin with a kind.
 * @throws {SluiceError} SLUICE_CLI_USAGE.
 */
export function parsePauseTarget(words: readonly string[]): PauseTarget {
  const [kind = '', first = '', second, ...more] = words
  if (words.length === 1) return { kind: 'trigger', trigger: kind }
  const usage = (problem: string): SluiceError => new SluiceError('SLUICE_CLI_USAGE', problem)
  if (!(kind in kinds)) throw usage(`there is nothing called ${kind} to pause: it is ${Object.keys(kinds).join(', ')}`)
  const wrong = (): SluiceError => usage(`it is: ${kind} ${kinds[kind as PauseTarget['kind']]}`)
  if (more.length > 0) throw wrong()
  const isPair = kind === 'partition' || kind === 'key'
  if (isPair !== (second !== undefined)) throw wrong()
  switch (kind as PauseTarget['kind']) {
    case 'trigger':
      return { kind: 'trigger', trigger: first }
    case 'key':
      return { kind: 'key', trigger: first, key: second as string }
    case 'partition':
      if (!/^\d{1,7}$/.test(second as string)) throw wrong()
      return { kind: 'partition', trigger: first, partition: Number(second) }
    case 'source':
      return { kind: 'source', source: first }
    case 'function':
      return { kind: 'function', function: first }
    case 'version': {
      const ref = parseFunctionRef(first)
      if (ref === undefined || ref.version.kind === 'alias') throw wrong()
      return {
        kind: 'version',
        function: ref.name,
        version: ref.version.kind === 'latest' ? 'latest' : String(ref.version.version),
      }
    }
    case 'alias': {
      const ref = parseFunctionRef(first)
      if (ref?.version.kind !== 'alias') throw wrong()
      return { kind: 'alias', function: ref.name, alias: ref.version.alias }
    }
  }
}

/** In words, such as `key device-7 of alerts`. */
export function describePause({ kind, trigger, partition, key, function: name, version, source }: PauseEntry): string {
  switch (kind) {
    case 'trigger':
      return `trigger ${trigger}`
    case 'partition':
      return `partition ${partition} of ${trigger}`
    case 'key':
      return `key ${key} of ${trigger}`
    case 'version':
      return `version ${name}@${version}`
    case 'source':
      return `source ${source}`
  }
}

/** @param triggers names of those that a function or an alias stands for. */
export function isOfTarget(pause: PauseEntry, target: PauseTarget, triggers: ReadonlySet<string>): boolean {
  if (target.kind === 'function' || target.kind === 'alias')
    return pause.kind === 'trigger' && triggers.has(pause.trigger ?? '')
  return Object.entries(target).every(([field, value]) => pause[field as keyof PauseEntry] === value)
}
