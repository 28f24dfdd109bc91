import { loneKey } from '../../store/parked-key.ts'
import { chooseVersion, hashKey, hashPosition } from '../../dispatch/version-choice.ts'
import { messageOf } from '../../errors/sluice-error.ts'
import { headerTag, readHeaderField } from '../../events/event-header-codec.ts'
import { compileFilter } from '../../events/filter.ts'
import type { Filter } from '../../events/filter-schema.ts'
import type { LogRecord } from '../../log/log-record.ts'
import type { ParkedEvent } from '../../store/home-store.ts'
import type { DeadLetter } from '../../store/dead-letters.ts'
import type { KeptPlace } from '../../store/kept-place.ts'
import { groupOf } from '../home-streams.ts'
import type { GatewayView } from '../gateway-view.ts'
import { versionExtension } from '../fleet/async-invocations.ts'
import type { EventFacts, HoldFacts, IntakeFacts, ParkedFacts } from './event-facts.ts'
import { keyOf, recordAt, soon, type FoundRecord, type StreamAccess } from './stream-access.ts'
import type { KnownTrigger } from './trigger-facts.ts'

/** All facts of one event in one trigger, and what they were found in. */
export interface GatheredEvent {
  readonly facts: EventFacts
  readonly record: LogRecord | undefined
  /** What the store keeps of it: a parked copy or a dead letter. */
  readonly kept: ParkedEvent | DeadLetter | undefined
}

/** @param found what the log has at the place, where it was looked up already. */
export async function gatherEvent(
  view: GatewayView,
  trigger: KnownTrigger,
  access: StreamAccess,
  at: { readonly partition: number; readonly offset: number },
  found?: FoundRecord,
): Promise<GatheredEvent> {
  const { partition, offset } = at
  const { record: definitionRecord, running } = trigger
  const { uid, definition } = definitionRecord
  const place: KeptPlace = { trigger: uid, stream: access.name, partition, offset }
  const [{ facts: recordFacts, record }, parkedRow, letter, committed] = await Promise.all([
    found ?? recordAt(access, partition, offset),
    view.store.parkedAt(place),
    view.store.deadLetterAt(place),
    soon(access.log.committed(groupOf(uid))).catch(() => undefined),
  ])
  const key = keyOf(access.reader, record) ?? keptKey(parkedRow ?? letter, offset)
  const inspection = running?.dispatch.inspection
  const progress = running?.dispatch.partitions().find(one => one.partition === partition)
  const version = versionOf(view, trigger, access, { ...at, key }, record)
  const facts: EventFacts = {
    nowMs: Date.now(),
    trigger: trigger.facts,
    partition,
    offset,
    key,
    record: recordFacts,
    intake: intakeOf(definition.filter as Filter | undefined, access, record),
    place: inspection?.event(partition, offset, key),
    committed: progress?.completed ?? committed?.get(partition),
    parked: parkedRow === undefined ? undefined : await parkedFacts(view, trigger, parkedRow),
    redrive: parkedRow?.redrive,
    deadLetter: letter === undefined ? undefined : letterFacts(letter),
    version,
    hold: holdOf(view, trigger, partition, key, version),
  }
  return { facts, record, kept: parkedRow ?? letter }
}

async function parkedFacts(
  { store }: GatewayView,
  { record: { uid }, running }: KnownTrigger,
  row: ParkedEvent,
): Promise<NonNullable<EventFacts['parked']>> {
  const { stream, partition, offset, key } = row
  const [first] = await store.parkedOf(uid, stream, partition, key, 1)
  const inMemory = running?.dispatch.inspection.parked(partition, key, offset)
  return {
    row: parkedRowFacts(row),
    first: first === undefined || first.offset === offset ? undefined : parkedRowFacts(first),
    lane: inMemory?.lane,
    place: inMemory?.place,
  }
}

function parkedRowFacts({ offset, attempt, dueAtMs, failures }: ParkedEvent): ParkedFacts {
  return { offset, attempt, dueAtMs, failure: failuresOf(failures).at(-1) }
}

function letterFacts({ id, stage, createdAtMs, failures, reason, message }: DeadLetter): EventFacts['deadLetter'] {
  return { id, stage, atMs: createdAtMs, attempts: failuresOf(failures).length, failure: { reason, message } }
}

function failuresOf(json: string): { reason: string; message: string }[] {
  return (JSON.parse(json) as { reason: string; message: string }[]).map(({ reason, message }) => ({ reason, message }))
}

/** What the trigger's filter and the stream's policy make of a record; `taken` where there is none to look at. */
function intakeOf(
  filter: Filter | undefined,
  { reader, skips }: StreamAccess,
  record: LogRecord | undefined,
): IntakeFacts {
  if (record === undefined) return { kind: 'taken' }
  try {
    const problem = reader.problem(record)
    if (problem !== undefined)
      return skips(problem.reason) ? { kind: 'skipped', problem: problem.message } : { kind: 'taken' }
    if (filter === undefined || compileFilter(filter)(reader, record)) return { kind: 'taken' }
    return { kind: 'filtered', condition: unmet(filter, { reader, record }) }
  } catch (error) {
    return { kind: 'skipped', problem: messageOf(error) }
  }
}

/** The first condition of a filter that does not hold for a record, and what the record has instead. */
function unmet(filter: Filter, { reader, record }: { reader: StreamAccess['reader']; record: LogRecord }): string {
  for (const [name, expected] of Object.entries(filter as Record<string, unknown>)) {
    if (compileFilter({ [name]: expected } as Filter)(reader, record)) continue
    const condition = `${name}: ${JSON.stringify(expected)}`.slice(0, 200)
    if (['all', 'any', 'not', 'exact', 'prefix', 'suffix', 'data'].includes(name)) return `${condition} does not hold`
    const value = reader.attribute(record, name)
    return `${condition} does not hold, ${value === undefined ? `it has no ${name}` : `its ${name} is ${value.slice(0, 100)}`}`
  }
  return 'its conditions do not hold together'
}

/** The version that would run the event now; undefined where each event asks for one, and this one cannot be asked. */
function versionOf(
  { engines }: GatewayView,
  { running }: KnownTrigger,
  { reader }: StreamAccess,
  { partition, offset, key }: { readonly partition: number; readonly offset: number; readonly key: string },
  record: LogRecord | undefined,
): EventFacts['version'] {
  if (running === undefined) return undefined
  const asked =
    running.isInternal === true && record !== undefined ? reader.attribute(record, versionExtension) : undefined
  if (asked !== undefined && asked !== 'latest') return undefined
  const targets = running.routes.targetsOf()
  if (targets.length === 0) return { problem: running.routes.problem ?? 'no version is there to run it' }
  const { engine, retry } = chooseVersion(targets, key === '' ? hashPosition(partition, offset) : hashKey(key))
  const { name, version } = engine.pool.version
  const { permits, workers, busy, state, problem } = engine.pool.stats()
  const wait = engine.permits.waitMs(1)
  const decided = engines.controller.statuses().find(({ pool }) => pool === engine.pool)
  return {
    label: `${name}@${version}`,
    maxAttempts: retry.maxAttempts,
    permits,
    workers,
    busy,
    ready: engine.runnable,
    isQuarantined: state === 'quarantined',
    problem,
    scaling: decided?.reason,
    limitedBy: engine.limitedBy,
    permitAtMs: wait === undefined ? undefined : Date.now() + Math.ceil(wait),
  }
}

/** The pause that comes first of those of its partition, its key and its version; dispatch asks in the same order. */
function holdOf(
  { pauses }: GatewayView,
  { name, record: { uid } }: KnownTrigger,
  partition: number,
  key: string,
  version: EventFacts['version'],
): HoldFacts | undefined {
  const ofPartition = pauses.of({ kind: 'partition', trigger: uid, partition })
  if (ofPartition !== undefined) return { target: `partition ${name} ${partition}`, pause: ofPartition }
  const ofKey = key === '' ? undefined : pauses.of({ kind: 'key', trigger: uid, key })
  if (ofKey !== undefined) return { target: `key ${name} ${key}`, pause: ofKey }
  if (version === undefined || !('label' in version)) return undefined
  const [functionName = '', number = ''] = version.label.split('@')
  const ofVersion = pauses.of({ kind: 'version', function: functionName, version: number })
  return ofVersion === undefined ? undefined : { target: `version ${version.label}`, pause: ofVersion }
}

/** The store's name of an event that waits alone is no key: its own is in its header. */
function keptKey(kept: { readonly key: string; readonly header: Uint8Array } | undefined, offset: number): string {
  if (kept === undefined || kept.key !== loneKey(offset)) return kept?.key ?? ''
  const { buffer, byteOffset, byteLength } = kept.header
  return readHeaderField(Buffer.from(buffer, byteOffset, byteLength), headerTag.partitionkey) ?? ''
}
