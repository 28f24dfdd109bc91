import { headerTag, readHeaderField } from '../../events/event-header-codec.ts'
import type { NewDeadLetter } from '../../store/dead-letters.ts'
import type { HomeStore, ParkedEvent, ParkedKey } from '../../store/home-store.ts'
import type { KeptPlace } from '../../store/kept-place.ts'
import { isLone } from '../../store/parked-key.ts'

/** Parked events of a trigger, or of one key of it. */
export interface ParkedScope {
  /** Its uid. */
  readonly trigger: string
  readonly stream: string
  readonly key?: string
}

export interface Drop {
  /** Name of the function that would have run them. */
  readonly functionName: string
  readonly by: string
  readonly nowMs: number
}

type ParkedStore = Pick<HomeStore, 'parkedKeys' | 'parkedOf' | 'parkedAt' | 'putDeadLetter' | 'removeSuspect'>

const keysAtOnce = 100
/** Events that are in memory at a time, as many as dispatch takes of a parked key. */
const eventsAtOnce = 32

/** What is parked within a scope. Letters that are being redriven are not: whoever wants them to stay cancels the redrive. */
export async function parkedWithin(store: ParkedStore, scope: ParkedScope): Promise<readonly ParkedKey[]> {
  const keys = await store.parkedKeys(scope.trigger)
  const within: ParkedKey[] = []
  for (let from = 0; from < keys.length; from += keysAtOnce) {
    const some = keys.slice(from, from + keysAtOnce)
    const areWithin = await Promise.all(some.map(key => isWithin(store, scope, key)))
    within.push(...some.filter((_, index) => areWithin[index]))
  }
  return within
}

async function isWithin(store: ParkedStore, scope: ParkedScope, { partition, key }: ParkedKey): Promise<boolean> {
  const isAsked = scope.key === undefined || key === scope.key
  if (!key.startsWith('\0')) return isAsked
  const [event] = await store.parkedOf(scope.trigger, scope.stream, partition, key, 1)
  if (event === undefined) return false
  if (!isLone(key, event.offset)) return isAsked
  if ((await store.parkedAt(placeOf(event)))?.redrive !== undefined) return false
  return scope.key === undefined || ownKeyOf(event) === scope.key
}

/**
 * Makes dead letters of all events of parked keys, each durably in the step in which it is parked no longer: one that a crash
 * keeps from it stays parked. Nothing may run them meanwhile. Resolves with how many there were.
 * @throws {SluiceError} SLUICE_STORE_WRITE: the rest stays parked.
 */
export async function buryParked(
  store: ParkedStore,
  { trigger, stream }: ParkedScope,
  keys: readonly ParkedKey[],
  drop: Drop,
): Promise<number> {
  let dropped = 0
  for (const { partition, key } of keys)
    for (;;) {
      const events = await store.parkedOf(trigger, stream, partition, key, eventsAtOnce)
      if (events.length === 0) break
      await Promise.all(events.map(event => store.putDeadLetter(letterOf(event, drop))))
      // What ended its worker before is no suspect any more once it is a letter.
      await Promise.all(events.map(event => store.removeSuspect(placeOf(event))))
      dropped += events.length
    }
  return dropped
}

function letterOf(event: ParkedEvent, { functionName, by, nowMs }: Drop): NewDeadLetter {
  const { trigger, stream, partition, offset, key, header, value, failures, timestampMs } = event
  const last = (JSON.parse(failures) as { readonly version?: string; readonly atMs?: number }[]).at(-1)
  return {
    ...{ trigger, stream, partition, offset, header, value, failures },
    eventId: readHeaderField(bufferOf(header), headerTag.id) ?? `${stream}/${partition}/${offset}`,
    key: isLone(key, offset) ? ownKeyOf(event) : key,
    stage: 'handler',
    function: last?.version === undefined ? '' : `${functionName}@${last.version}`,
    reason: 'dropped',
    message: `dropped by ${by} while it was parked`,
    results: '',
    firstSeenAtMs: timestampMs,
    lastAttemptAtMs: last?.atMs ?? nowMs,
  }
}

const placeOf = ({ trigger, stream, partition, offset }: KeptPlace): KeptPlace => ({
  ...{ trigger, stream, partition, offset },
})

const ownKeyOf = ({ header }: ParkedEvent): string => readHeaderField(bufferOf(header), headerTag.partitionkey) ?? ''

const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, byteLength)
