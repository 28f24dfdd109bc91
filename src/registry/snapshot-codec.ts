import { createHash } from 'node:crypto'
import { SluiceError } from '../errors/sluice-error.ts'
import type { AliasRecord, FunctionRecord, TriggerRecord, VersionRecord } from './registry-records.ts'
import type { ReplicatedState } from './state-draft.ts'

/*
 * A snapshot is lines of JSON: a head, a line per function, a line per trigger, and the SHA-256 of all lines before. A
 * line per record lets it be written in small steps beside other work; the state that it is made of never changes.
 */

const format = 1

interface Head {
  readonly format: typeof format
  readonly position: number
  readonly functions: number
  readonly triggers: number
  readonly triggerGenerations: readonly (readonly [string, number])[]
  readonly recentCommandIds: readonly string[]
}

/** Maps as their values, which carry their keys. */
type FunctionLine = Omit<FunctionRecord, 'versions' | 'aliases'> & {
  readonly versions: readonly VersionRecord[]
  readonly aliases: readonly AliasRecord[]
}

/** Bytes that are made in one step: about a millisecond. */
const chunkBytes = 262_144

/** The lines in chunks, to be written one after the other. */
export function* encodeSnapshot(state: ReplicatedState): Generator<Buffer, void> {
  const hash = createHash('sha256')
  let lines = ''
  for (const line of linesOf(state)) {
    lines += `${JSON.stringify(line)}\n`
    if (lines.length < chunkBytes) continue
    const chunk = Buffer.from(lines)
    lines = ''
    hash.update(chunk)
    yield chunk
  }
  const rest = Buffer.from(lines)
  yield rest
  yield Buffer.from(`${JSON.stringify({ sha256: hash.update(rest).digest('hex') })}\n`)
}

/**
 * Reads a snapshot.
 * @throws {SluiceError} SLUICE_REGISTRY_CORRUPT when it is not what was written, SLUICE_REGISTRY_UNKNOWN_COMMAND when a
 *   newer version of Sluice wrote it.
 */
export function decodeSnapshot(bytes: Buffer): ReplicatedState {
  const tailStart = bytes.lastIndexOf('\n', bytes.length - 2) + 1
  const body = bytes.subarray(0, tailStart)
  const tail = `${JSON.stringify({ sha256: createHash('sha256').update(body).digest('hex') })}\n`
  if (tailStart === 0 || bytes.toString('utf8', tailStart) !== tail)
    throw new SluiceError('SLUICE_REGISTRY_CORRUPT', 'its bytes are not what was written')
  const lines = body.toString('utf8').split('\n')
  const head = JSON.parse(lines[0] as string) as Head
  if ((head.format as number) !== format)
    throw new SluiceError(
      'SLUICE_REGISTRY_UNKNOWN_COMMAND',
      `the snapshot of the registry has format ${String(head.format)}, which this version of Sluice does not know; start the version that wrote it, or a newer one`,
    )
  const functions = new Map<string, FunctionRecord>()
  const triggers = new Map<string, TriggerRecord>()
  for (const line of lines.slice(1, 1 + head.functions)) {
    const { versions, aliases, ...record } = JSON.parse(line) as FunctionLine
    functions.set(record.name, {
      ...record,
      versions: new Map(versions.map(version => [version.version as number, version])),
      aliases: new Map(aliases.map(alias => [alias.name, alias])),
    })
  }
  for (const line of lines.slice(1 + head.functions, 1 + head.functions + head.triggers)) {
    const record = JSON.parse(line) as TriggerRecord
    triggers.set(record.name, record)
  }
  return {
    position: head.position,
    functions,
    triggers,
    triggerGenerations: new Map(head.triggerGenerations),
    recentCommandIds: new Set(head.recentCommandIds),
  }
}

function* linesOf(state: ReplicatedState): Generator<Head | FunctionLine | TriggerRecord> {
  const { position, functions, triggers, triggerGenerations, recentCommandIds } = state
  yield {
    format,
    position,
    functions: functions.size,
    triggers: triggers.size,
    triggerGenerations: [...triggerGenerations],
    recentCommandIds: [...recentCommandIds],
  }
  for (const record of functions.values())
    yield { ...record, versions: [...record.versions.values()], aliases: [...record.aliases.values()] }
  yield* triggers.values()
}
